"""gunicorn's threaded worker, for the doors: errors of the HTTP layer in JSON, and no client waited for for ever.

What gunicorn itself refuses never reaches Django. Its own page is HTML and quotes the request; partners are promised
JSON, with ``message`` under both doors.
"""

import errno
import json
import select
import time
from socket import socket
from typing import Any, cast

from gunicorn import util
from gunicorn.http import errors, get_parser
from gunicorn.workers.gthread import _DEFER, ThreadWorker  # type: ignore[attr-defined] # newer than the stubs

from credservice.http.server_settings import number

# For all of a request, from its first byte on, and for all of its answer. A client that dies or dawdles in the middle
# of either holds a thread.
REQUEST_SECONDS: float = number("REQUEST_SECONDS", 20, 1, 3600)
# To read what a client still sends after its answer: a connection closed over unread bytes may lose that answer.
LINGER_SECONDS = 0.2

_STATUS = {
    errors.LimitRequestLine: (414, "URI Too Long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    errors.ExpectationFailed: (417, "Expectation Failed"),
    errors.UnsupportedTransferCoding: (501, "Not Implemented"),
}
_OURS = (
    errors.ConfigurationProblem,
    errors.InvalidResponseHeader,  # type: ignore[attr-defined] # newer than the stubs
    errors.InvalidResponseHeaderName,  # type: ignore[attr-defined]
)


class TimedReader:
    """A connection's reading side with an end in time. Raises ``ECONNRESET`` then, which gunicorn takes quietly."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.begin()

    def begin(self) -> None:
        self._end = time.monotonic() + REQUEST_SECONDS

    def recv(self, size: int) -> bytes:
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        if not poll.poll(max(0.0, self._end - time.monotonic()) * 1000):
            raise ConnectionResetError(errno.ECONNRESET, "the request took too long")
        received: bytes = self._sock.recv(size)
        return received


class TimedWriter:
    """A connection, with an end in time for what is sent, from its first byte on. Raises ``ECONNRESET`` then."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._end: float | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, content: bytes) -> None:
        now = time.monotonic()
        self._end = self._end or now + REQUEST_SECONDS
        try:
            if now >= self._end:
                raise TimeoutError
            # For all of `content`, however often some of it is taken (the socket module's documentation).
            self._sock.settimeout(self._end - now)
            self._sock.sendall(content)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the answer was not taken in time") from None


class DoorWorker(ThreadWorker):
    def handle_request(self, req: Any, conn: Any) -> Any:
        sock = conn.sock
        conn.sock = TimedWriter(sock)
        try:
            return super().handle_request(req, conn)
        finally:
            conn.sock = sock

    def handle(self, conn: Any) -> Any:
        if not conn.initialized and not conn.wait_for_data(0):
            return _DEFER  # gunicorn would hold the thread for five seconds of silence; its poller waits for free
        if conn.parser is None:
            # All that the parser asks of a socket is recv().
            conn.parser = get_parser(self.cfg, cast(socket, TimedReader(conn.sock)), conn.client)
        conn.parser.unreader.sock.begin()
        kept = super().handle(conn)
        if not kept:
            # Here, in this connection's thread: gunicorn would linger for two seconds, in the one that serves all.
            util.close_graceful(conn.sock, timeout=LINGER_SECONDS)
            conn.close = lambda graceful=False: None
        return kept

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what could not be read as HTTP. Of the request only the address is logged, and what kind of fault."""
        if isinstance(exc, errors.ParseException) and not isinstance(exc, _OURS):
            status, reason = _STATUS.get(type(exc), (400, "Bad Request"))
            self.log.warning("Malformed request from %s: %s", (addr or ("a socket",))[0], type(exc).__name__)
            answer = {"code": "malformed_http", "message": "The request is not valid HTTP, or too long."}
        else:
            status, reason = 500, "Internal Server Error"
            self.log.error("Error outside of the application: %s", type(exc).__name__)
            answer = {"code": "internal_error", "message": "Something went wrong on our side."}
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        head += f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            util.write_nonblock(client, head.encode() + body)
        except OSError:
            self.log.debug("The answer to a malformed request could not be sent.")

"""Calls the WSGI application (PEP 3333) for a request, and sends what it answers."""

import functools
import io
import json
import select
import sys
import threading
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any

from credservice.serving.connections import Connection, Gone, Request
from credservice.serving.heads import Malformed

# Of an answer that is longer, a thread waits until the client has taken some: only long streams are.
MOST_UNSENT = 4 * 1024 * 1024

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
Headers = list[tuple[str, str]]
MALFORMED = {"code": "malformed_http", "message": "The request is not valid HTTP, or too long."}
BUSY = {"code": "busy", "message": "Too many long bodies arrive at once. Try again shortly."}
BROKEN = {"code": "internal_error", "message": "Something went wrong on our side."}
_WITHOUT_BODY = ("204", "304")


class Answer:
    """The answer to one request: WSGI's ``start_response``, and the framing of what follows it.

    ``closes``: it is the connection's last. ``is_begun``: some of it may be on its way.
    """

    def __init__(self, connection: Connection, request: Request, *, closes: bool) -> None:
        self._connection, self._head = connection, request.head
        self.closes = closes or request.is_cut or not request.head.keeps
        self.is_begun = False
        self._status, self._headers = "", Headers()
        self._is_chunked = False

    def start(self, status: str, headers: Headers, exc_info: Any = None) -> None:
        """Note status and headers. They are sent with the first part of the body."""
        self._status, self._headers = status, headers

    def send(self, parts: Iterable[bytes], patience: threading.Semaphore) -> None:
        """Send all parts. Raises Gone where the client is, or does not take them in time."""
        iterator = iter(parts)
        first, second = next(iterator, b""), next(iterator, None)
        head = self._render_head(len(first) if second is None else None)
        self.is_begun = True
        self._connection.send(head + self._frame(first))
        if second is not None:
            self._send_part(second, patience)
            for part in iterator:
                self._send_part(part, patience)
        if self._is_chunked:
            self._connection.send(b"0\r\n\r\n")

    def _render_head(self, length: int | None) -> bytes:
        """Write the head; ``length`` is the body's, where that is known already."""
        lines = [f"HTTP/1.1 {self._status}", *(f"{name}: {value}" for name, value in self._headers)]
        lines += self._framing(length)
        lines += [f"Date: {_date(int(time.time()))}", f"Connection: {'close' if self.closes else 'keep-alive'}\r\n\r\n"]
        text = "\r\n".join(lines)
        if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1:
            raise ValueError("A header of the answer holds a line end.")
        return text.encode("latin-1")

    def _framing(self, length: int | None) -> list[str]:
        if not self._has_body() or any(name.lower() == "content-length" for name, _ in self._headers):
            return []
        if length is not None:
            return [f"Content-Length: {length}"]
        if self._head.version == "HTTP/1.0":
            self.closes = True
            return []
        self._is_chunked = self._head.method != "HEAD"
        return ["Transfer-Encoding: chunked"]

    def _has_body(self) -> bool:
        return not self._status.startswith(_WITHOUT_BODY)

    def _frame(self, part: bytes) -> bytes:
        if self._head.method == "HEAD" or not self._has_body():
            return b""
        return b"%x\r\n%b\r\n" % (len(part), part) if self._is_chunked and part else part

    def _send_part(self, part: bytes, patience: threading.Semaphore) -> None:
        if content := self._frame(part):
            self._connection.send(content)
        if len(self._connection.unsent) > MOST_UNSENT:
            _wait_for_client(self._connection, patience)


def answer(
    application: Application,
    environ: dict[str, Any],
    response: Answer,
    patience: threading.Semaphore,
) -> None:
    """Have the application answer. Raises Gone, and what the application lets through."""
    parts = application(environ, response.start)
    try:
        response.send(parts, patience)
    finally:
        if close := getattr(parts, "close", None):
            close()


def environ_of(request: Request, shared: dict[str, Any]) -> dict[str, Any]:
    """Make the WSGI environment. ``shared`` is that of the connection."""
    head = request.head
    environ = shared | head.fields
    environ["REQUEST_METHOD"], environ["RAW_URI"] = head.method, head.target
    environ["PATH_INFO"], environ["QUERY_STRING"] = head.path, head.query
    environ["SERVER_PROTOCOL"] = head.version
    environ["wsgi.input"] = io.BytesIO(request.body)
    if head.chunked:
        environ["CONTENT_LENGTH"] = str(request.length)
    return environ


def shared_environ(here: tuple[str, str], peer: tuple[str, str]) -> dict[str, Any]:
    """Make the part of the WSGI environment that all requests of a connection share, from its two ends."""
    return {
        "SERVER_NAME": here[0],
        "SERVER_PORT": here[1],
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": peer[1],
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }


def refusal(fault: Malformed) -> bytes:
    """Write the answer to what never reaches the application; JSON with ``message``, as both doors promise."""
    return _last_answer(fault.status, BUSY if fault.status.startswith("503") else MALFORMED)


def failure() -> bytes:
    """Write the answer where the application itself failed."""
    return _last_answer("500 Internal Server Error", BROKEN)


def _last_answer(status: str, content: dict[str, str]) -> bytes:
    body = json.dumps(content)
    retry = "Retry-After: 5\r\n" if status.startswith("503") else ""
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
    return f"{head}{retry}Date: {_date(int(time.time()))}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@functools.lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _wait_for_client(connection: Connection, patience: threading.Semaphore) -> None:
    """Wait until half is taken. ``patience`` leaves threads to others: where it is used up, the answer breaks off."""
    if not patience.acquire(blocking=False):
        raise Gone
    try:
        poll = select.poll()
        poll.register(connection.sock, select.POLLOUT)
        while len(connection.unsent) > MOST_UNSENT // 2:
            if not poll.poll(max(0.0, connection.deadline - time.monotonic()) * 1000):
                raise Gone
            connection.flush()
    finally:
        patience.release()

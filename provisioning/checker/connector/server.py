"""Serves the connector by HTTP on the loopback."""

import errno
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from provisioning.checker.connector.answers import BROKEN_OFF, Answer, Call

MAX_BODY_BYTES = 1 << 20
SOCKET_SECONDS = 30


class PortTaken(OSError):
    """The port cannot be listened on; the text is one sentence."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SOCKET_SECONDS

    def handle_any(self) -> None:
        body = self._body()
        if body is None:
            self.send_error(411)
            return
        self._send(
            cast(_Listening, self.server).answer(Call(self.command, self.path, tuple(self.headers.items()), body))
        )

    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815

    def _body(self) -> bytes | None:
        """Read it by its length or in chunks; None where it has neither, or is too long."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = self.headers.get("Content-Length") or "0"
        return self.rfile.read(int(length)) if length.isdigit() and int(length) <= MAX_BODY_BYTES else None

    def _chunks(self) -> bytes | None:
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            if len(body) + size > MAX_BODY_BYTES:
                return None
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            """Trailers, of which there are none to use."""
        return body

    def _send(self, given: Answer) -> None:
        if given.status == BROKEN_OFF:
            self.close_connection = True
            return
        self.send_response(given.status)
        if given.status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(given.body)))
        self.end_headers()
        self.wfile.write(given.body if self.command != "HEAD" and given.status != 204 else b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the report says what is wrong."""


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    # A connection that the provider keeps open must not keep the checker from ending.
    block_on_close = False

    def __init__(self, address: tuple[str, int], answer: Callable[[Call], Answer]) -> None:
        self.answer = answer
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a connection that the provider breaks off is the provider's."""


class _ListeningV6(_Listening):
    address_family = socket.AF_INET6


class Server:
    """Answers calls with `answer`, each connection in a thread; port 0 takes a free one."""

    def __init__(self, port: int, answer: Callable[[Call], Answer]) -> None:
        try:
            self._servers = [_Listening(("127.0.0.1", port), answer)]
        except (OSError, OverflowError) as error:
            raise _port_taken(port, error) from error
        self.port: int = self._servers[0].server_address[1]
        # `localhost` is ::1 first to many a client, and to some only; a machine without IPv6 has none to miss.
        try:
            self._servers.append(_ListeningV6(("::1", self.port), answer))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:  # there, the provider would find another program
                self._servers[0].server_close()
                raise _port_taken(self.port, error) from error
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in self._servers
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


def _port_taken(port: int, error: Exception) -> PortTaken:
    told = f"the connector cannot listen on port {port}: {error}"
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        told += ". Stop what listens there, or choose another --connector-port and let your provider use that one"
    return PortTaken(told)

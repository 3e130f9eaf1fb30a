"""Clients that send, or read, as slowly as they can, while others are to be answered."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.bench.servers import Server

SENDERS = READERS = 200
_PAUSE = 0.5  # seconds between a client's bytes
_HEALTH_PAUSE, _SETTLING, _RECOVERY = 0.1, 10.0, 60.0
_HEAD = b"POST /credential-exchange HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
# The request so far, and the byte that follows again and again: in the middle of a header, in the middle of the body.
_SENT = [(_HEAD + b"X-Slow: ", b"a"), (_HEAD + b"Content-Length: 1000\r\n\r\n", b" ")]


@dataclass
class Health:
    """Counts requests for /healthz, each on a connection of its own, and those that were answered in time."""

    asked: int = 0
    answered: int = 0

    def ask(self, server: Server) -> None:
        self.asked += 1
        self.answered += server.is_healthy()


@contextlib.contextmanager
def slow_clients(server: Server, large: str, health: Health) -> Iterator[None]:
    """Keep slow clients connected, the readers asking for the ``large`` path; ask for health meanwhile."""
    requests = [_SENT[number % 2] for number in range(SENDERS)]
    requests += [(f"GET {large} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), b"")] * READERS
    clients, stop = [_Client(server.port, *request) for request in requests], threading.Event()
    threads = [
        threading.Thread(target=_repeat, args=(stop, _PAUSE, lambda: _take_turns(clients))),
        threading.Thread(target=_repeat, args=(stop, _HEALTH_PAUSE, lambda: health.ask(server))),
    ]
    for thread in threads:
        thread.start()
    try:
        _settle(clients)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for client in clients:
            client.close()
        _wait(server)


class _Client:
    """One connection, made anew where the server ends it. Sends its request at once, then a byte at a time."""

    def __init__(self, port: int, request: bytes, dribble: bytes) -> None:
        self._port, self._request, self._dribble = port, request, dribble
        self.settled = bool(dribble)  # a reader: once its answer has begun
        self._connect()

    def turn(self) -> None:
        """Send a byte, and read one."""
        try:
            if self._dribble:
                self._socket.send(self._dribble)
            if self._socket.recv(1) == b"":
                raise ConnectionResetError
            self.settled = True
        except BlockingIOError:
            return
        except OSError:
            self.close()
            self._connect()

    def close(self) -> None:
        self._socket.close()

    def _connect(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel's least
        self._socket.settimeout(1)
        with contextlib.suppress(OSError):
            self._socket.connect(("127.0.0.1", self._port))
            self._socket.sendall(self._request)
        self._socket.setblocking(False)


def _take_turns(clients: list[_Client]) -> None:
    for client in clients:
        client.turn()


def _settle(clients: list[_Client]) -> None:
    """Wait until all readers' answers have begun, as far as the server begins them: that is its work, not a wait."""
    deadline = time.monotonic() + _SETTLING
    while time.monotonic() < deadline and not all(client.settled for client in clients):
        time.sleep(_PAUSE)


def _repeat(stop: threading.Event, pause: float, act: Callable[[], object]) -> None:
    while not stop.wait(pause):
        act()


def _wait(server: Server) -> None:
    """Wait until the server answers again: a measurement may follow."""
    deadline = time.monotonic() + _RECOVERY
    while not server.is_healthy():
        if time.monotonic() > deadline:
            raise RuntimeError("The server does not answer again after its slow clients have left.")

"""Holds a client's connection: what it has sent and not been answered for yet, and what it has not taken yet."""

import math
import threading
import time
from dataclasses import dataclass
from socket import SHUT_WR, socket
from typing import Any

from credservice.http.server_settings import REQUEST_SECONDS
from credservice.serving.chunks import Chunks
from credservice.serving.heads import Head, Malformed, check_part, parse

IDLE_SECONDS = 5.0  # for the first byte of a request
BLOCK = 64 * 1024
SHORT_BODY = 64 * 1024  # a longer one takes what has come of it from the process's budget


class Gone(Exception):
    """The client has closed its connection, or its time is over."""


class Budget:
    """Bounds the bytes that all connections of a process hold together for one purpose."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Take so many, or none where there are not as many left."""
        with self._lock:
            fits = size <= self._left
            self._left -= size if fits else 0
            return fits

    def give(self, size: int) -> None:
        with self._lock:
            self._left += size


@dataclass(frozen=True)
class Limits:
    """The longest body with a Content-Length, and in chunks; what long bodies, and answers, may hold together."""

    body: int
    chunked: int
    long_bodies: Budget
    unsent: Budget


@dataclass(slots=True)
class Request:
    """A request that has come whole. ``is_cut``: of a body that is longer than anything here takes, nothing was read
    and its length is told all the same, so that the application refuses it in its own words."""

    head: Head
    body: bytes
    length: int
    is_cut: bool = False


class Connection:
    """Reads requests and sends answers without waiting. Belongs to one thread at a time: the one that epoll gave it.

    ``environ`` is what the WSGI environments of all its requests share.
    ``deadline``, of the monotonic clock, is when it is cut off; there is none while its request is worked on.
    """

    def __init__(self, sock: socket, environ: dict[str, Any], limits: Limits) -> None:
        self.sock, self.environ, self._limits = sock, environ, limits
        self.number = sock.fileno()
        self.deadline = time.monotonic() + IDLE_SECONDS
        self.unsent = bytearray()
        self.ends = False  # after what is unsent
        self.lingers = False
        self._received = bytearray()
        self._checked = 0  # bytes of a head that is not whole yet
        self._has_led = False  # an empty line came before it
        self._head: Head | None = None
        self._chunks: Chunks | None = None
        self._taken = 0

    @property
    def is_idle(self) -> bool:
        """Tell whether it only waits for a next request to begin."""
        return not (self._received or self._head or self.unsent or self.lingers) and self.deadline != math.inf

    def receive(self) -> None:
        """Take some of what has arrived. Raises Gone at its end, Malformed where that is in the middle of a request."""
        try:
            block = self.sock.recv(BLOCK)
        except BlockingIOError:
            return
        except OSError:
            raise Gone from None
        if not block:
            if (self._received or self._head) and not self.ends and time.monotonic() < self.deadline:
                raise Malformed("EndedEarly")
            raise Gone
        if self.is_idle:
            self.deadline = time.monotonic() + REQUEST_SECONDS
        if not self.lingers:
            self._count(len(block))
            self._received += block

    def next_request(self) -> Request | None:
        """Return the next request as soon as it is here whole; None before. Raises Malformed."""
        if self._head is None:
            self._head = self._next_head()
            if self._head is None:
                return None
            self._begin_body(self._head)
        request = self._whole(self._head)
        if request is not None:
            self._head, self._chunks, self.deadline = None, None, math.inf
        return request

    def await_request(self) -> None:
        """Begin the time of a request whose beginning is here already, or of the wait for one."""
        seconds = REQUEST_SECONDS if self._received or self._head else IDLE_SECONDS
        if self.deadline == math.inf:
            self.deadline = time.monotonic() + seconds

    def send(self, content: bytes) -> None:
        """Send what the client takes at once and keep the rest. Raises Gone."""
        if self.unsent:
            self._keep(content)
            return self.flush()
        sent = self._send(content)
        if sent < len(content):
            self._keep(content[sent:])
            self.deadline = time.monotonic() + REQUEST_SECONDS
        return None

    def flush(self) -> None:
        """Send more of what is unsent. Raises Gone."""
        sent = self._send(self.unsent)
        del self.unsent[:sent]
        self._limits.unsent.give(sent)
        if not self.unsent:
            self.deadline = math.inf

    def linger(self, seconds: float) -> None:
        """Send the end, and read on for a while without heeding it: closed over something unread, the client might
        lose its answer. Raises Gone."""
        self.lingers, self.deadline = True, time.monotonic() + seconds
        try:
            self.sock.shutdown(SHUT_WR)
        except OSError:
            raise Gone from None

    def release_body(self) -> None:
        """Give back what the last request's long body took."""
        if self._taken:
            self._limits.long_bodies.give(self._taken)
            self._taken = 0

    def close(self) -> None:
        self.release_body()
        self._limits.unsent.give(len(self.unsent))
        self.sock.close()

    def _keep(self, content: bytes) -> None:
        if not self._limits.unsent.take(len(content)):
            raise Gone  # of many slow readers this is one too many
        self.unsent += content

    def _send(self, content: bytes | bytearray) -> int:
        try:
            return self.sock.send(content)
        except BlockingIOError:
            return 0
        except OSError:
            raise Gone from None

    def _next_head(self) -> Head | None:
        received = self._received
        if not self._has_led and received.startswith(b"\r\n"):  # some clients send one after a body (RFC 9112, 2.2)
            del received[:2]
            self._has_led, self._checked = True, 0
        end = received.find(b"\r\n\r\n", max(0, self._checked - 3))
        if end < 0:
            if received:
                check_part(received, self._checked)
            self._checked = len(received)
            return None
        content = bytes(received[: end + 2])
        del received[: end + 4]
        self._has_led, self._checked = False, 0
        return parse(content)

    def _count(self, size: int) -> None:
        """Take what has come of a long body from the budget: what is only announced keeps nobody out."""
        if self._head is None or not SHORT_BODY < self._head.length <= self._limits.body:
            return
        if not self._limits.long_bodies.take(size):
            raise Malformed("NoPlaceForBody", "503 Service Unavailable")
        self._taken += size

    def _begin_body(self, head: Head) -> None:
        if head.chunked:
            self._chunks = Chunks(self._limits.chunked)
        if head.expects and not self._received and head.length <= self._limits.body:
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _whole(self, head: Head) -> Request | None:
        if self._chunks is not None:
            return self._whole_chunks(head, self._chunks)
        if head.length > self._limits.body:
            return Request(head, b"", head.length, is_cut=True)
        if len(self._received) < head.length:
            return None
        body = bytes(self._received[: head.length])
        del self._received[: head.length]
        return Request(head, body, head.length)

    def _whole_chunks(self, head: Head, chunks: Chunks) -> Request | None:
        if not chunks.take(self._received):
            return None
        if chunks.is_long:
            return Request(head, b"", self._limits.chunked + 1, is_cut=True)
        return Request(head, bytes(chunks.content), len(chunks.content))

"""Connects :mod:`credservice.http.outgoing` to checked addresses only, and under one deadline."""

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore2

from credservice.http.addresses import NameNotFound, Resolver, checked_addresses

CONNECT_SECONDS = 5.0  # for each address of a name


class Deadline:
    """The end of a request. Every wait of it gets what is left, so that many short waits are no long one."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, at_most: float | None = None) -> float:
        """Return the seconds left. Raises :class:`httpcore2.ReadTimeout` where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the deadline has passed")
        return left if at_most is None else min(left, at_most)


class PinnedBackend(httpcore2.NetworkBackend):
    """Resolves and checks a name, and connects to what it checked. TLS and the Host header keep the name."""

    def __init__(self, deadline: Deadline, *, plaintext: bool, resolver: Resolver | None) -> None:
        self._deadline, self._plaintext, self._resolver = deadline, plaintext, resolver
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = checked_addresses(
            host, port, plaintext=self._plaintext, seconds=self._deadline.left(timeout), resolver=self._resolver
        )
        failure: Exception = NameNotFound(f"{host} has no address")
        for address in addresses:
            try:
                seconds = self._deadline.left(CONNECT_SECONDS)
                return DeadlineStream(self._sockets.connect_tcp(address, port, seconds), self._deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure


class DeadlineStream(httpcore2.NetworkStream):
    """A connection whose every step ends with the deadline: a server that drips its answer gains nothing."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

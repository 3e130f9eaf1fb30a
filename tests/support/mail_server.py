"""A real SMTP server on loopback, which keeps what it is sent."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.http_server import raw_server

_GREETINGS = {
    b"EHLO": b"250 mail",
    b"MAIL": b"250 ok",
    b"RCPT": b"250 ok",
    b"DATA": b"354 go ahead",
    b"QUIT": b"221 bye",
}


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """Its port, and the mails that it took."""
    taken: list[str] = []

    def talk(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        connection.sendall(b"220 mail\r\n")
        while line := lines.readline():
            connection.sendall(_GREETINGS[line[:4].strip().upper()] + b"\r\n")
            if line[:4].upper() == b"DATA":
                taken.append(b"".join(iter(lines.readline, b".\r\n")).decode())
                connection.sendall(b"250 taken\r\n")

    with raw_server(talk) as port:
        yield port, taken

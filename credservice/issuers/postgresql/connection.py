"""Connects to the vendor's server as its administrator: nothing waits for ever, and nothing secret is quoted."""

import os
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import DependentObjectsStillExist

from credservice.issuers.masking import masked

CONNECT_SECONDS = 5
LOCK_SECONDS = 3
LONGEST_MESSAGE = 400
# Texts of libpq that say why, and hold nothing of the connection string. Anything else is not passed on: where the
# string is malformed, libpq takes parts of a password for a host and quotes them.
_REASONS = (
    "password authentication failed",
    "no pg_hba.conf entry",
    "Connection refused",
    "No such file or directory",
    "could not translate host name",
    "too many clients",
    "remaining connection slots are reserved",
    "the database system is starting up",
    "the database system is shutting down",
    "certificate verify failed",
    "does not support SSL",
    "timeout expired",
    "does not exist",
)

Connection = psycopg.Connection[tuple[object, ...]]


@contextmanager
def connect(dsn: str, *, seconds: float, database: str | None = None) -> Iterator[Connection]:
    """A connection in autocommit mode that ends with the block, and after ``seconds`` in any case.

    Raises :class:`psycopg.Error`.
    """
    more = {} if database is None else {"dbname": database}
    conninfo = make_conninfo(
        dsn,
        connect_timeout=CONNECT_SECONDS,
        application_name="credservice",
        client_encoding="UTF8",  # a server whose default is SQL_ASCII would give bytes for text
        tcp_user_timeout=CONNECT_SECONDS * 1000,
        **more,
    )
    connection = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
    with connection, _severed_after(connection, seconds):
        _settle(connection, seconds)
        yield connection


def explain(error: psycopg.Error, secrets: Iterable[str]) -> str:
    """Say what went wrong, bounded, without anything of the connection string or a value.

    ``secrets`` are what the server was sent or may know: its messages are its own, and may quote them.
    """
    if error.diag.message_primary:
        # The detail of this one says which objects of others still give the role rights.
        detail = f" ({error.diag.message_detail})" if isinstance(error, DependentObjectsStillExist) else ""
        said = f"{error.diag.message_primary}{detail}".replace("\n", ", ")
        return f"PostgreSQL answered: {masked(said, secrets)[:LONGEST_MESSAGE]}"
    found = next((reason for reason in _REASONS if reason in str(error)), type(error).__name__)
    return f"PostgreSQL cannot be reached ({found})"


def passwords(dsn: str) -> list[str]:
    """A connection string, and what is secret in it. Raises :class:`psycopg.ProgrammingError`."""
    parts = conninfo_to_dict(dsn)
    return [dsn, *(str(parts[name]) for name in ("password", "sslpassword") if parts.get(name))]


def _settle(connection: Connection, seconds: float) -> None:
    # pg_catalog alone: an object of a customer that has a system function's name is not called with our rights.
    wanted = {
        "search_path": "pg_catalog",
        "statement_timeout": f"{int(seconds * 1000)}ms",
        "lock_timeout": f"{LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{int(seconds * 1000)}ms",
    }
    for name, value in wanted.items():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", [name, value])


@contextmanager
def _severed_after(connection: Connection, seconds: float) -> Iterator[None]:
    """The server's own time-outs do not help against a server that has stopped: then the socket is shut down."""
    duplicate = socket.socket(fileno=os.dup(connection.pgconn.socket))

    def sever() -> None:
        with suppress(OSError):
            duplicate.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, sever)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        duplicate.close()

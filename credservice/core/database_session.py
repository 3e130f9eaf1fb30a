"""Gives each of our database connections the session that we read values by, whatever the server's defaults are.

psycopg reads no interval in another ``IntervalStyle`` and no time with a zone in another ``DateStyle``. The server
tells each of these with the connection, so that one which is as it should be is asked for nothing.

A pooler that shares the server's connections between its clients would give a session of ours to others. It is told by
the number of the process that answers: poolers make up one of their own. Behind one only what poolers keep for each
client is set.
"""

from typing import Any

import psycopg
from psycopg.pq.abc import PGconn

SESSION = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "standard_conforming_strings": "on",
}


# What poolers do not keep for each client: PgBouncer does from 1.20 on.
_SHARED = "IntervalStyle"
_statement_seconds = 0


class UnfitSession(psycopg.OperationalError):
    """Refuses a session that we would read values wrongly by, and cannot put right."""


def limit_statements(seconds: int) -> None:
    """Have the server end each statement of this process's connections to come after so long; 0 for no limit."""
    global _statement_seconds
    _statement_seconds = seconds


def settle(opened: psycopg.Connection[Any]) -> bool:
    """Settle a new connection of Django's, which commits by itself. Returns whether a pooler is in between."""
    row = opened.execute(_question(opened.pgconn)).fetchone()
    is_pooled = row is not None and bool(row[0])
    statement = _missing(opened.pgconn, is_pooled)
    if statement:
        opened.execute(statement)
    return is_pooled


async def settle_async(opened: psycopg.AsyncConnection[Any]) -> None:
    """Settle a new connection of the worker's pool, and of its listener."""
    statement = _missing(opened.pgconn, await is_pooled_async(opened))
    if statement:
        await opened.execute(statement)
    await opened.commit()


async def is_pooled_async(opened: psycopg.AsyncConnection[Any]) -> bool:
    """Tell whether a pooler answers on a connection of the worker's."""
    cursor = await opened.execute(f"SELECT pg_backend_pid() <> {opened.pgconn.backend_pid}".encode())
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


def _question(server: PGconn) -> bytes:
    """Ask who answers, and limit what it runs in the same round trip where that is the server itself."""
    limit = f"set_config('statement_timeout', '{_statement_seconds}s', false)" if _statement_seconds else "NULL"
    pid = server.backend_pid
    return f"SELECT pg_backend_pid() <> {pid}, CASE WHEN pg_backend_pid() = {pid} THEN {limit} END".encode()


def _missing(server: PGconn, is_pooled: bool) -> bytes:
    """Write the statements for what is otherwise; empty where nothing is. Raises :class:`UnfitSession`."""
    wrong = [name for name, value in SESSION.items() if server.parameter_status(name.encode()) != value.encode()]
    if is_pooled and _SHARED in wrong:
        raise UnfitSession(
            f"the pooler would share a setting of ours; run: ALTER ROLE {server.user.decode()} "
            f"SET {_SHARED} TO {SESSION[_SHARED]}"
        )
    return "; ".join(f"SET {name} TO '{SESSION[name]}'" for name in wrong).encode()

"""Runs the statements of the hot paths: constant texts, prepared once a connection, sent by libpq's own calls.

Django's cursor takes 0.13 to 0.16 ms of processor time for one, this 0.04 to 0.07. Everything else stays with the ORM.
A statement runs on Django's connection and in its transaction, and raises Django's errors.
"""

import hashlib
import math
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from credservice.core import attempts

Row = tuple[Any, ...]
_Call = tuple["HotStatement", tuple[Any, ...]]
_TEXT, _BINARY = 0, 1
_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
# The server has forgotten the statement (a pooler's DISCARD), or a migration has changed the type of a column.
_STALE = (b"26000", b"0A000")
# The connection is another one than the one that prepared it, or another client has prepared it there.
_MIXED_UP = (b"26000", b"42P05")
_MIXED_UP_SECONDS = 60.0  # for so long one that was mixed up says that others will be
_mixed_up_at = -math.inf


def are_mixed_up() -> bool:
    """Tell whether a pooler has lost a prepared statement of this process's within the last minute."""
    return time.monotonic() - _mixed_up_at < _MIXED_UP_SECONDS


class HotStatement:
    """One statement, with ``$1`` and so on for its parameters, which are texts, numbers, ids, bytes or None."""

    def __init__(self, name: str, sql: str) -> None:
        self.label, self.sql = name, sql.strip().encode()
        # Of another release's statement the name is another: behind a pooler both may meet on one connection.
        self.name = f"{name}_{hashlib.sha256(self.sql).hexdigest()[:8]}".encode()
        self.is_read = self.sql.startswith(b"SELECT")

    def rows(self, *parameters: Any) -> list[Row]:
        """Return the rows that it reads, or writes and returns. Raises Django's database errors."""
        django = connections[DEFAULT_DB_ALIAS]
        django.ensure_connection()
        django.validate_no_broken_transaction()
        if self.is_read or django.in_atomic_block:
            return self._run(django, parameters)
        with attempts.writing():
            return self._run(django, parameters)

    def _run(self, django: BaseDatabaseWrapper, parameters: tuple[Any, ...]) -> list[Row]:
        with django.wrap_database_errors:
            return _session(django).run(self, parameters)

    def later(self, *parameters: Any) -> None:
        """Run it without need of its rows: within :func:`together` in the round trip of the next one that needs its."""
        django = connections[DEFAULT_DB_ALIAS]
        session = _session(django) if django.connection else None
        if session is None or session.waiting is None:
            self.rows(*parameters)
        else:
            session.waiting.append((self, parameters))


@contextmanager
def together() -> Iterator[None]:
    """Do this block in one transaction, and send what :meth:`HotStatement.later` is told in one round trip.

    It is sent with ``COMMIT`` behind it at the end of the block, where its errors are raised, or sooner together with
    one whose rows are needed. In a transaction of the caller's, that one commits.
    """
    with transaction.atomic():
        django = connections[DEFAULT_DB_ALIAS]
        django.ensure_connection()
        session = _session(django)
        assert session.waiting is None, "what waits in the outer block would be lost"
        session.waiting = []
        try:
            yield
            django.validate_no_broken_transaction()
            if django.savepoint_ids:  # which are there where Django's block is an inner one
                with django.wrap_database_errors:
                    session.flush()
            else:
                with attempts.writing(), django.wrap_database_errors:
                    session.flush(commits=True)
        finally:
            session.waiting = None


class _Session:
    """Holds what one connection has prepared, and what waits to be sent together."""

    def __init__(self, django: BaseDatabaseWrapper) -> None:
        self.opened: psycopg.Connection[Any] = django.connection
        self.waiting: list[_Call] | None = None
        self._django = django
        self._server: PGconn = self.opened.pgconn
        self._reader = Transformer(self.opened)
        self._prepared: set[bytes] = set()
        chosen: bool | None = settings.PREPARED_STATEMENTS
        self._prepares = not django.is_pooled if chosen is None else chosen  # type: ignore[attr-defined] # of our backend
        # libpq's calls for one statement, and for one of a pipeline; and by what they name it.
        self._execute, self._send, self._named = (
            (self._server.exec_prepared, self._server.send_query_prepared, attrgetter("name"))
            if self._prepares
            else (self._server.exec_params, self._server.send_query_params, attrgetter("sql"))
        )

    def run(self, statement: HotStatement, parameters: tuple[Any, ...]) -> list[Row]:
        if self.waiting:
            self.waiting.append((statement, parameters))
            return self.flush()
        if self._must_begin():
            _checked(self._server.exec_(b"BEGIN"))
        self._log(statement)
        self._prepare(statement)
        sent = _sent(parameters)
        result = self._execute(self._named(statement), **sent)
        if result.status not in _DONE:
            result = self._prepared_anew(statement, sent, result)
        return self._rows(result)

    def _prepared_anew(self, statement: HotStatement, sent: dict[str, Any], failed: PGresult) -> PGresult:
        """Run it again, where it failed because the server has forgotten it. Raises the error otherwise."""
        self._note_mix_up(failed)
        if not _is_stale(failed) or self._server.transaction_status != TransactionStatus.IDLE:
            self._give_up_if_stale(failed)
            return _checked(failed)
        self._server.exec_(b"DEALLOCATE " + statement.name)
        self._prepared.discard(statement.name)
        self._prepare(statement)
        again = self._execute(self._named(statement), **sent)
        self._give_up_if_stale(again)
        return _checked(again)

    def flush(self, *, commits: bool = False) -> list[Row]:
        """Send what waits, in libpq's pipeline mode, and return the rows of the last one. Raises the first error.

        ``commits``: they are the last of their transaction. Then Django finds nothing left to commit.
        """
        calls, self.waiting = self.waiting or [], []
        if not calls:
            return []
        encoded = [(statement, _sent(parameters)) for statement, parameters in calls]
        for statement, _ in calls:
            self._prepare(statement)
        self._server.enter_pipeline_mode()
        try:
            results = self._pipelined(encoded, commits)
        finally:
            self._server.exit_pipeline_mode()
        for result in results:
            if result.status not in _DONE:
                self._note_mix_up(result)
                self._give_up_if_stale(result)
                _checked(result)
        if commits:
            _check_committed(results[-1])
        return [self._rows(result) for result in results][-1]

    def _pipelined(self, calls: list[tuple[HotStatement, dict[str, Any]]], commits: bool) -> list[PGresult]:
        begins = self._must_begin()
        if begins:
            self._server.send_query_params(b"BEGIN", None)
        for statement, sent in calls:
            self._log(statement)
            self._send(self._named(statement), **sent)
        if commits:
            self._server.send_query_params(b"COMMIT", None)
        self._server.pipeline_sync()
        results = [result for _ in range(begins + len(calls) + commits) for result in self._received()]
        self._received()  # of the sync
        return results

    def _received(self) -> list[PGresult]:
        """Take the results of one command: libpq tells the end of each by none."""
        results = []
        while (result := self._next()) is not None:
            results.append(result)
            if result.status == ExecStatus.PIPELINE_SYNC:
                break
        return results

    def _next(self) -> PGresult | None:
        """Wait for a result without the interpreter's lock, which libpq's own waiting for one would keep."""
        while self._server.is_busy():
            poll = select.poll()
            unsent = self._server.flush()  # psycopg's connections do not block: much of it may be here still
            poll.register(self._server.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
            poll.poll()
            self._server.consume_input()
        return self._server.get_result()

    def _give_up_if_stale(self, result: PGresult) -> None:
        """Close the connection at the request's end, where its transaction is lost to a statement that is forgotten."""
        if _is_stale(result) and self._server.transaction_status != TransactionStatus.IDLE:
            self._django.close_at = 0

    def _note_mix_up(self, result: PGresult) -> None:
        global _mixed_up_at
        if _state(result) in _MIXED_UP and self._django.is_pooled:  # type: ignore[attr-defined]
            _mixed_up_at = time.monotonic()

    def _must_begin(self) -> bool:
        """Tell if Django's transaction has not begun yet: psycopg begins it with the first statement of its own."""
        return not self._django.autocommit and self._server.transaction_status == TransactionStatus.IDLE

    def _log(self, statement: HotStatement) -> None:
        if self._django.queries_logged:
            self._django.queries_log.append({"sql": statement.sql.decode(), "time": "0"})

    def _prepare(self, statement: HotStatement) -> None:
        if self._prepares and statement.name not in self._prepared:
            prepared = self._server.prepare(statement.name, statement.sql)
            self._note_mix_up(prepared)
            _checked(prepared)
            self._prepared.add(statement.name)

    def _rows(self, result: PGresult) -> list[Row]:
        if result.status == ExecStatus.COMMAND_OK:
            return []
        self._reader.set_pgresult(result)
        return self._reader.load_rows(0, result.ntuples, tuple)


# What runs a connection's statements: credservice.core.spans puts its own here where they are traced.
session_class: type[_Session] = _Session


def _sent(parameters: tuple[Any, ...]) -> dict[str, Any]:
    """Encode parameters as libpq's calls take them: values, and the form of each and of the result."""
    return {
        "param_values": [_encoded(parameter) for parameter in parameters],
        "param_formats": [_BINARY if isinstance(parameter, bytes) else _TEXT for parameter in parameters],
        "result_format": _BINARY,
    }


def _session(django: BaseDatabaseWrapper) -> _Session:
    session: _Session | None = getattr(django, "hot_session", None)
    if session is None or session.opened is not django.connection:
        session = session_class(django)
        django.hot_session = session  # type: ignore[attr-defined]
    return session


def _encoded(parameter: Any) -> bytes | None:
    if parameter is None or isinstance(parameter, bytes):
        return parameter
    text = (parameter if isinstance(parameter, str) else str(parameter)).encode()
    if b"\x00" in text:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")  # libpq would cut it off
    return text


def _is_stale(result: PGresult) -> bool:
    """Tell if the server does not know the statement any more."""
    return _state(result) in _STALE


def _state(result: PGresult) -> bytes | None:
    return result.error_field(DiagnosticField.SQLSTATE) if result.status == ExecStatus.FATAL_ERROR else None


def _check_committed(result: PGresult) -> None:
    """Refuse the answer to a COMMIT of a transaction that had failed: the server rolls it back, and calls it done."""
    if result.command_status != b"COMMIT":
        raise psycopg.OperationalError("the transaction was rolled back: it had failed before its COMMIT")


def _checked(result: PGresult) -> PGresult:
    if result.status not in _DONE:
        error = psycopg.errors.error_from_result(result)
        # Without a state the connection is gone, not the statement wrong.
        raise error if _state(result) else psycopg.OperationalError(str(error))
    return result

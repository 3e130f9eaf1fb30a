"""Tells what a connection leads to, leaves a server that only reads, and notes what may have been written."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

import psycopg
from django.db import OperationalError
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg.errors import ReadOnlySqlTransaction

from credservice.core import attempts
from credservice.core.availability import is_away, lacks_room, note_room
from credservice.core.database_session import settle


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection. ``is_pooled`` tells whether a pooler answers in place of the server."""

    is_pooled = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.execute_wrappers.append(self._note)

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return _Errors(self)

    def init_connection_state(self) -> None:
        super().init_connection_state()
        self.is_pooled = settle(self.connection)

    def close_if_away(self) -> None:
        """Close a connection that the server has ended meanwhile: the next statement opens another one."""
        if self.connection is not None and not self.in_atomic_block and not self.is_usable():
            self.close()

    def _commit(self) -> None:
        attempts.note_write()
        super()._commit()  # type: ignore[misc] # the stubs lack it

    def _note(self, execute: Callable[..., Any], sql: Any, parameters: Any, many: bool, context: Any) -> Any:
        if self.in_atomic_block or attempts.is_read(sql):
            return execute(sql, parameters, many, context)
        with attempts.writing():
            return execute(sql, parameters, many, context)


class _Errors(DatabaseErrorWrapper):
    """Takes a server that only reads for one that is away, and has the connection to such a one closed."""

    wrapper: DatabaseWrapper

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        # By the driver the first is an InternalError, as a fault of the server's is.
        is_operational = isinstance(error, ReadOnlySqlTransaction) or self._tells_of_a_loss(error)
        if is_operational or is_away(error):
            self.wrapper.close_at = 0  # at the request's end, or before its second attempt
        if lacks_room(error):
            note_room(lacking=True)
        if is_operational:
            self.wrapper.errors_occurred = True
            raise OperationalError(*error.args).with_traceback(trace) from error
        super().__exit__(kind, error, trace)

    def _tells_of_a_loss(self, error: BaseException) -> bool:
        """Tell whether an error that no server has raised is of a lost connection, whatever the driver makes of it.

        libpq may tell of the loss twice. That surprises the driver: an InternalError, or of a COPY a ValueError.
        """
        is_lost = self.wrapper.connection is not None and self.wrapper.connection.closed
        return is_lost and isinstance(error, psycopg.Error | ValueError) and not getattr(error, "sqlstate", None)

"""Ends the wait for a request's outside work: the marketplace gives up after 60 seconds."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextvars import copy_context
from enum import Enum, auto
from functools import partial
from typing import Generic, TypeVar

from django.conf import settings
from django.db import connections
from django.db.utils import DEFAULT_DB_ALIAS

T = TypeVar("T")


class OutOfTime(Exception):
    """Tells that the work goes on in a thread of its own. Should the process end, the worker does it."""


def in_time(work: Callable[[], T]) -> T:
    """Return or raise what ``work`` does, within ``SYNCHRONOUS_SECONDS``. Raises :class:`OutOfTime`."""
    return _Errand(work).result(settings.SYNCHRONOUS_SECONDS)


class _Loan(Enum):
    LENT = auto()
    RETURNED = auto()
    LEFT = auto()


class _Errand(Generic[T]):
    """Runs work in a thread of its own, on the database connection of the thread that waits for it.

    The work's locks are the session's, so they stay with it on whichever side the connection ends up::

        the waiting thread             the connection    the working thread
        ------------------             --------------    ------------------
        lends it, and waits            LENT              works on it
          the work ends in time:       RETURNED          touches it no more
          takes it back
          time runs out first:         LEFT              works on, and closes it at the end
          goes on with a new one

    RETURNED and LEFT are final, and one lock decides which comes first: the connection never has two users.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work, self._outcome = work, Future[T]()
        self._connection, self._state = connections[DEFAULT_DB_ALIAS], _Loan.LENT
        self._deciding = threading.Lock()

    def result(self, seconds: float) -> T:
        # A daemon: no process waits for an issuer to end.
        thread = threading.Thread(target=copy_context().run, args=(self._run,), daemon=True)
        self._connection.inc_thread_sharing()
        try:
            thread.start()
            return self._outcome.result(seconds)
        except FutureTimeout:
            if self._leave():
                raise OutOfTime from None
            return self._outcome.result()
        finally:
            if self._state is not _Loan.LEFT:
                self._connection.dec_thread_sharing()

    def _leave(self) -> bool:
        """Leave the connection to the working thread. False where that has returned it at this very moment."""
        with self._deciding:
            if self._state is _Loan.RETURNED:
                return False
            self._state = _Loan.LEFT
            del connections[DEFAULT_DB_ALIAS]
            return True

    def _run(self) -> None:
        connections[DEFAULT_DB_ALIAS] = self._connection
        try:
            tell = partial(self._outcome.set_result, self._work())
        except BaseException as error:
            tell = partial(self._outcome.set_exception, error)
        self._give_back()
        tell()

    def _give_back(self) -> None:
        with self._deciding:
            if self._state is _Loan.LEFT:
                self._connection.close()
            else:
                self._state = _Loan.RETURNED

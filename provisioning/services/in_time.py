"""Outside work of a request, with an end to the waiting for it: the marketplace gives up after 60 seconds."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextvars import copy_context
from typing import TypeVar

from django.conf import settings
from django.db import connections
from django.db.utils import DEFAULT_DB_ALIAS

T = TypeVar("T")


class OutOfTime(Exception):
    """The work goes on in a thread of its own. Should the process end, the worker does it."""


def in_time(work: Callable[[], T]) -> T:
    """What ``work`` returns or raises, within ``SYNCHRONOUS_SECONDS``. Raises :class:`OutOfTime`.

    The work gets this thread's database connection, with the locks that it will take on it: it keeps the connection
    where it takes longer, and this thread goes on with a new one.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    outcome: Future[T] = Future()
    handing_over, left_alone = threading.Lock(), threading.Event()

    def run() -> None:
        connections[DEFAULT_DB_ALIAS] = connection
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)
        with handing_over:
            if left_alone.is_set():
                connection.close()

    # A daemon: no process waits for an issuer to end.
    thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True)
    connection.inc_thread_sharing()
    try:
        thread.start()
        return outcome.result(settings.SYNCHRONOUS_SECONDS)
    except FutureTimeout:
        with handing_over:
            if outcome.done():
                return outcome.result()
            left_alone.set()
            del connections[DEFAULT_DB_ALIAS]
        raise OutOfTime from None
    finally:
        if not left_alone.is_set():
            connection.dec_thread_sharing()

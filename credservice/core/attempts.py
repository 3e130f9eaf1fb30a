"""Notes whether a request has perhaps written or done something, so that only one that has not is begun anew.

The note is the request's, not the connection's: a connection may be left to another thread, whose work counts as well.
Whatever is not surely a read counts as a write.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import Error

from credservice.core.availability import has_surely_done_nothing

# How the ORM begins a query. A function that is called by hand, such as one that puts a job into the queue, may write.
_READ = re.compile(r'SELECT (?:DISTINCT )?(?:"|COUNT\(|(?:1|%s) AS "a")')


class Attempt:
    """Holds what is known of one attempt to answer."""

    has_written = False


_attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


@contextmanager
def first_attempt() -> Iterator[Attempt]:
    """Have the block's writes noted."""
    attempt = Attempt()
    token = _attempt.set(attempt)
    try:
        yield attempt
    finally:
        _attempt.reset(token)


def may_begin_anew() -> bool:
    """Tell whether this is a first attempt that has left nothing behind."""
    attempt = _attempt.get()
    return attempt is not None and not attempt.has_written


def note_write() -> None:
    """Note, before it is done, what may last: a COMMIT, a call of somebody else's server."""
    attempt = _attempt.get()
    if attempt is not None:
        attempt.has_written = True


@contextmanager
def writing() -> Iterator[None]:
    """Note a statement that commits by itself, unless the server says that it has not been done."""
    attempt = _attempt.get()
    before = attempt is not None and attempt.has_written
    note_write()
    try:
        yield
    except Error as error:
        if attempt is not None and has_surely_done_nothing(error):
            attempt.has_written = before
        raise


def is_read(sql: object) -> bool:
    """Tell whether a statement is a query of the ORM's."""
    return isinstance(sql, str) and _READ.match(sql) is not None

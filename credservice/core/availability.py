"""Tells errors of a database that is away, or no longer the one that writes, from its objections to a statement."""

from collections.abc import Iterator

import psycopg
from django.db import InterfaceError, OperationalError

# PostgreSQL's "Error Codes": the connection; an operator who ends it, a crash, a server that starts or stops; a time
# limit of the server's on a transaction, which ends its session. Poolers tell their own troubles by the first one.
_AWAY = ("08", "57P", "25P03", "25P04")
READ_ONLY = "25006"
_FULL = "53100"
_CLASSES = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
_lacking = False


def is_away(error: BaseException) -> bool:
    """Tell whether another connection may lead to a database that does what was asked."""
    for found in causes(error):
        state: str | None = getattr(found, "sqlstate", None)
        if state is not None:
            return state == READ_ONLY or state.startswith(_AWAY)
    # Without a state nobody objected: the connection could not be made, or broke.
    return any(isinstance(found, _CLASSES) for found in causes(error))


def has_surely_done_nothing(error: BaseException) -> bool:
    """Tell whether the statement that failed so cannot have been done."""
    return any(getattr(found, "sqlstate", None) == READ_ONLY for found in causes(error))


def lacks_room(error: BaseException) -> bool:
    """Tell whether the server's disk is full."""
    return any(getattr(found, "sqlstate", None) == _FULL for found in causes(error))


def note_room(*, lacking: bool) -> None:
    """Keep in mind whether the server had room when it was last asked."""
    global _lacking
    _lacking = lacking


def room_was_lacking() -> bool:
    """Tell whether the server had none."""
    return _lacking


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Go through an error and what led to it: a refusal of ours, Django's error, the driver's."""
    while error is not None:
        yield error
        error = error.__cause__

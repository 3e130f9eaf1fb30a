"""Finds what keeps this process from serving: for `/readyz`, and each with a sentence that says what to do.

It is asked every few seconds, so it writes nothing, and reads little. Anybody may ask it, so it is kept for a second:
the database is asked no more often, however often we are.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from django.conf import settings
from django.core.checks import CheckMessage
from django.db import Error, connection, transaction

from credservice.audit import Line, record
from credservice.checks import check_keys_of_database, check_migrations, check_rights
from credservice.core import availability, hot_statements
from credservice.core.database_session import UnfitSession
from credservice.core.startup import what_it_lacks

CLOCK_SECONDS = 60  # beyond it, signatures of partners whose clocks are right are soon refused
UNKNOWN = "unknown"
KEPT_SECONDS = 1.0
_kept: tuple[float, dict[str, str]] = (-math.inf, {})
_ASKED = """
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
       extract(epoch FROM clock_timestamp())::float8
"""


class _State(NamedTuple):
    """Holds what the server says of itself."""

    only_reads: bool
    ahead: float  # seconds by which its clock is ahead of ours


def faults() -> dict[str, str]:
    """Return each check with what is wrong, as of at most ``KEPT_SECONDS`` ago; empty where nothing is."""
    global _kept
    found_at, found = _kept
    if time.monotonic() - found_at >= KEPT_SECONDS:
        found = _find()
        _kept = time.monotonic(), found
    return found


def _find() -> dict[str, str]:
    """Ask each check. Without a database the others are not asked."""
    checks: dict[str, Callable[[], str]] = {
        "writable": lambda: _writable(state),
        "room": _room,
        "clock": lambda: _clock(state),
        "pooler": _pooler,
        "migrations": _migrations,
        "rights": _rights,
        "keyring": _keyring,
    }
    try:
        state = _state()
    except Error as error:
        return {"database": _sentence(error)} | dict.fromkeys(checks, UNKNOWN)
    return {"database": ""} | {name: _sentence_of(check) for name, check in checks.items()}


def _sentence_of(check: Callable[[], str]) -> str:
    try:
        return check()
    except Error as error:
        return _sentence(error)


def _sentence(error: Error) -> str:
    if isinstance(error.__cause__, UnfitSession):
        return f"A connection is of no use: {error}."
    # Its text may hold anything.
    return f"The database does not answer as it must ({type(error.__cause__ or error).__name__})."


def _state() -> _State:
    with transaction.atomic(), connection.cursor() as cursor:  # a pooler by statements would refuse it
        cursor.execute(_ASKED)
        only_reads, seconds = cursor.fetchone()
        return _State(only_reads, seconds - time.time())


def _writable(state: _State) -> str:
    if state.only_reads and not connection.in_atomic_block:
        connection.close()  # the server has become a standby: another one may write by now
        state = _state()
    return "The database only reads: DATABASE_URL must lead to the server that writes." if state.only_reads else ""


def _clock(state: _State) -> str:
    difference = abs(state.ahead)
    if difference <= CLOCK_SECONDS:
        return ""
    return f"The clocks of this machine and of the database differ by {difference:.0f} s: set both by NTP."


def _migrations() -> str:
    return _told(check_migrations())


def _rights() -> str:
    return _told(check_rights(databases=["default"]))


def _keyring() -> str:
    return _told(check_keys_of_database(databases=["default"]))


def _told(messages: list[CheckMessage]) -> str:
    return " ".join(f"{message.msg} {message.hint or ''}".strip() for message in messages)


def _pooler() -> str:
    if not (settings.PREPARED_STATEMENTS and hot_statements.are_mixed_up()):
        return ""
    return "The pooler does not keep prepared statements for each client: take DATABASE_PREPARED_STATEMENTS out."


def _room() -> str:
    """Try a line of the trail, which is undone, once the database has been out of room; before that, nothing."""
    if not availability.room_was_lacking():
        return ""
    try:
        with transaction.atomic():
            record(Line("readiness.probe", "system"))
            transaction.set_rollback(True)
    except Error as error:
        if availability.lacks_room(error):
            return str(what_it_lacks(error))
        raise
    availability.note_room(lacking=False)
    return ""

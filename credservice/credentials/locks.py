"""One issue for many callers, across processes (engineering notes, "Many rows, many callers").

Advisory locks of the session: they fall with a dead holder, at once. A pooler in transaction mode would put lock and
unlock on different sessions; that is noticed, and docs/configuration.md rules it out.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.db import connection

from credservice.exceptions import Unavailable

# The two-key form keeps our locks apart from those of other programs in the database.
_CLASS = 0x63726564
WAIT_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.1
log = structlog.get_logger(__name__)


@contextmanager
def credential_lock(credential_id: UUID) -> Iterator[None]:
    """Hold the database's lock on a credential while its issuer is called.

    Raises :class:`Unavailable` where somebody else holds it for longer than a caller should wait.
    """
    _acquire(credential_id)
    try:
        yield
    finally:
        if not _call("pg_advisory_unlock", credential_id):
            # Another session answered than the one that locked: its lock is let go with this connection, if at all.
            log.error("advisory_lock_lost", credential=str(credential_id))
            connection.close()


def credential_lock_is_held(credential_id: UUID) -> bool:
    """Whether somebody is calling the issuer for this credential right now."""
    free = _call("pg_try_advisory_lock", credential_id)
    if free:
        _call("pg_advisory_unlock", credential_id)
    return not free


def _acquire(credential_id: UUID) -> None:
    deadline, pause = time.monotonic() + WAIT_SECONDS, _FIRST_PAUSE
    while not _call("pg_try_advisory_lock", credential_id):
        if time.monotonic() >= deadline:
            raise Unavailable("The credential is being made. Try again shortly.", retry_after=2)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _call(function: str, credential_id: UUID) -> bool:
    key = int.from_bytes(credential_id.bytes[:4], signed=True)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_CLASS, key])
        return bool(cursor.fetchone()[0])

"""Locks a credential across processes, so that many callers make one issue (engineering notes, "Many rows, many
callers").

By a lease, a row that ends by itself: no session, connection or transaction of the database's is held while somebody
else's server is waited for, so no pooler has to keep one. While its holder lives, a thread renews it; of one that was
killed it ends after ``LEASE_SECONDS``. Times are the database's alone.

A holder that stalls, or has no database, for longer than that loses it to somebody else. So it is no guard by itself:
what is done outside may be done twice, and the outcome is written only after :meth:`Held.keep`.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

import structlog
from django.db import Error, connection

from credservice.core.attempts import note_write
from credservice.core.availability import is_away
from credservice.core.exceptions import Unavailable
from credservice.core.jobs import pause_after

LEASE_SECONDS = 10
RENEW_SECONDS = 3.0
WAIT_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=10), timedelta(milliseconds=100)
log = structlog.get_logger(__name__)

_TAKE = """
INSERT INTO credentials_lease AS l (id, holder, ends_at)
VALUES (%(id)s, %(holder)s, clock_timestamp() + %(length)s * interval '1 second')
ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at
WHERE l.ends_at < clock_timestamp() RETURNING id
"""
# One that an outcome's transaction keeps is left alone: waiting for it would let the others end.
_RENEW = """
WITH renewed AS (
    UPDATE credentials_lease SET ends_at = clock_timestamp() + %(length)s * interval '1 second'
    WHERE id IN (SELECT id FROM credentials_lease WHERE holder = ANY(%(holders)s) FOR UPDATE SKIP LOCKED)
)
SELECT count(*) FROM credentials_lease WHERE holder = ANY(%(holders)s)
"""
_KEEP = "SELECT id FROM credentials_lease WHERE id = %s AND holder = %s FOR UPDATE"
_END = "DELETE FROM credentials_lease WHERE id = %s AND holder = %s"
_IS_HELD = "SELECT EXISTS (SELECT FROM credentials_lease WHERE id = %s AND ends_at >= clock_timestamp())"


class LeaseLost(Unavailable):
    """Somebody else has been given the turn meanwhile: what this caller would write is out of date."""

    def __init__(self) -> None:
        super().__init__("The credential is being made or ended by another request. Try again shortly.", retry_after=2)


@dataclass(frozen=True)
class Held:
    """A lease, as its holder has it."""

    id: UUID
    holder: UUID

    def keep(self) -> None:
        """Keep it until the caller's transaction ends, so that nobody else is let in before its outcome is there.

        Before any other lock of that transaction's. Raises :class:`LeaseLost`.
        """
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [self.id, self.holder])
            if cursor.fetchone() is None:
                raise LeaseLost


@contextmanager
def credential_lock(credential_id: UUID) -> Iterator[Held]:
    """Hold the lease of a credential while its issuer is called.

    Raises :class:`Unavailable` where somebody else holds it for longer than a caller should wait.
    """
    holder = uuid4()
    _take(credential_id, holder)
    try:
        _keeper.keep(holder)
        note_write()  # what is done outside lasts, whatever becomes of the database
        yield Held(credential_id, holder)
    finally:
        _keeper.leave(holder)
        _end(credential_id, holder)


def credential_lock_is_held(credential_id: UUID) -> bool:
    """Tell if somebody is calling the issuer for this credential right now."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_HELD, [credential_id])
        return bool(cursor.fetchone()[0])


def _take(credential_id: UUID, holder: UUID) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    for tries in count():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, {"id": credential_id, "holder": holder, "length": LEASE_SECONDS})
            if cursor.fetchone():
                return
        if time.monotonic() >= deadline:
            raise Unavailable("The credential is being made. Try again shortly.", retry_after=2)
        pause = pause_after(tries, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE, jitter=(1, 1))
        time.sleep(pause.total_seconds())


def _end(credential_id: UUID, holder: UUID) -> None:
    """Let others in at once; where the database stays away, they are once the lease has ended by itself."""
    try:
        lost = not _deleted(credential_id, holder)
    except Error as error:
        log.warning("lease_not_ended", credential=str(credential_id), error=type(error).__name__)
    else:
        if lost:
            log.error("lease_lost", credential=str(credential_id))


def _deleted(credential_id: UUID, holder: UUID) -> bool:
    try:
        return _delete(credential_id, holder)
    except Error as error:
        if connection.in_atomic_block or not is_away(error):
            raise
        connection.close()  # it was cut while the issuer was called
        return _delete(credential_id, holder)


def _delete(credential_id: UUID, holder: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_END, [credential_id, holder])
        return bool(cursor.rowcount)


class _Keeper:
    """Renews the leases of this process, by one statement for all of them, while there are any."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders: set[UUID] = set()
        self._thread: threading.Thread | None = None

    def keep(self, holder: UUID) -> None:
        with self._changed:
            self._holders.add(holder)
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name="leases", daemon=True)
                thread.start()  # which may fail: then the next holder tries again
                self._thread = thread

    def leave(self, holder: UUID) -> None:
        with self._changed:
            self._holders.discard(holder)
            self._changed.notify()

    def _run(self) -> None:
        try:
            while holders := self._due():
                self._renew(holders)
        finally:
            connection.close()

    def _due(self) -> list[UUID]:
        """Wait, and return who is still there; nobody ends the thread."""
        with self._changed:
            self._changed.wait_for(lambda: not self._holders, RENEW_SECONDS)
            if not self._holders:
                self._thread = None
            return list(self._holders)

    def _renew(self, holders: list[UUID]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(_RENEW, {"length": LEASE_SECONDS, "holders": holders})
                self._tell_lost(holders, cursor.fetchone()[0])
        except Exception as error:  # whatever it is: the other leases are renewed the next time
            log.warning("leases_not_renewed", leases=len(holders), error=type(error).__name__)
            connection.close()

    def _tell_lost(self, holders: list[UUID], renewed: int) -> None:
        with self._changed:
            still_held = len(self._holders.intersection(holders))  # who left in the meantime has lost nothing
        if renewed < still_held:
            log.error("leases_lost", leases=still_held - renewed)


_keeper = _Keeper()

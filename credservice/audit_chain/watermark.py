"""Finds the newest audit id below which no more lines can appear.

A line's id is drawn before its transaction commits, so a line with a smaller id may appear after one with a larger.
Whoever writes a line holds a ROW EXCLUSIVE lock on the trail's table from before its id is drawn until its transaction
ends. So: read the largest id, note who holds such a lock, and wait for these to end, as PostgreSQL's CREATE INDEX
CONCURRENTLY waits. After that every line up to the id that was read is there, or never will be. Nobody is stopped by
this; writers that come later draw larger ids. The trail's sequence has no cache (CACHE 1), or a session could draw an
id long before it takes the lock.

``pg_snapshot_xmin`` would not do: a transaction may draw its id before it is given a transaction id.
"""

import time

from django.db import connection

WAIT_SECONDS = 10.0
PAUSE_SECONDS = 0.02

_WRITERS = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation IN (SELECT relid FROM pg_partition_tree('audit_auditevent'))
"""


def settled_up_to(wait_seconds: float = WAIT_SECONDS) -> int | None:
    """Return the id up to which nothing can be added any more; None where a transaction took longer than we wait."""
    last = _largest_id()
    writers, deadline = _writers(), time.monotonic() + wait_seconds
    while writers:
        if time.monotonic() >= deadline:
            return None
        time.sleep(PAUSE_SECONDS)
        writers &= _writers()
    return last


def _largest_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM audit_auditevent")
        return int(cursor.fetchone()[0])


def _writers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS)
        return {row[0] for row in cursor.fetchall()}

"""Ends the credentials that a signing key has signed, once the key is retired before they end.

Nothing verifies such a token any more, so it expires with its key: the next hand-out makes a new one, as for any that
has expired. Few are ended in the transaction that retires the key, the others by the worker. It looks once more a
little later: a hand-out that had read the key before its retirement may commit a token of it afterwards.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from credservice.core.jobs import enqueue
from credservice.keys.hooks import MAX_COUNTED, Tokens, register_tokens
from credservice.keys.signing_keys import OVERLAP

TASK = "credentials.end_signed"
BATCH = 2_000
AGAIN_AFTER = timedelta(minutes=1)  # longer than a request lives

# By the index of expiries: no token lives longer than its key is published after it signs.
_LIVE = """
FROM credentials_credential
WHERE state IN ('active', 'retiring') AND expires_at > %s AND expires_at <= %s AND handle->>'kid' = ANY(%s)
"""
_COUNT = f"SELECT count(*) FROM (SELECT 1 {_LIVE} LIMIT %s) AS found"  # noqa: S608 - constants
# What somebody changes at this moment is left to the next look: nobody waits for a lock here. A hand-out asks the
# database's clock and ours: it is over by both.
_END = f"""
WITH found AS (
    SELECT id, expires_at {_LIVE} ORDER BY expires_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
), ended AS (
    UPDATE credentials_credential AS one SET expires_at = least(now(), %s) FROM found WHERE one.id = found.id
    RETURNING found.expires_at
)
SELECT count(*), max(expires_at) FROM ended
"""  # noqa: S608 - constants


def register() -> None:
    register_tokens(Tokens(count=count_signed, end=end_signed))


def count_signed(kids: Collection[str]) -> int:
    """Count the live ones that these keys have signed; no further than ``MAX_COUNTED``."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [now, now + OVERLAP, list(kids), MAX_COUNTED])
        return int(cursor.fetchone()[0])


def end_signed(kids: Collection[str]) -> int:
    """End a batch of them in the caller's transaction, and have the worker see to the others."""
    now = timezone.now()
    ended, _ = _end_batch(kids, now)
    for at in (None, now + AGAIN_AFTER):
        enqueue(TASK, at=at, kids=",".join(kids))
    return ended


def end_all_signed(kids: Collection[str]) -> int:
    """End all of them, each batch in a transaction of its own; returns how many there were."""
    since: datetime | None = timezone.now()
    total = 0
    while since is not None:
        with transaction.atomic():
            ended, since = _end_batch(kids, since)
        total += ended
    return total


def _end_batch(kids: Collection[str], since: datetime) -> tuple[int, datetime | None]:
    """End those that would expire first after ``since``; returns how many, and where the next batch begins, if any."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_END, [max(since, now), now + OVERLAP, list(kids), BATCH, now])
        ended, last = cursor.fetchone()
    # Others may expire at the same moment as the last one, to the second.
    return ended, last - timedelta(microseconds=1) if ended == BATCH else None

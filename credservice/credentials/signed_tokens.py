"""Ends the credentials that a signing key has signed, once the key is retired before they end.

Nothing verifies such a token any more, so it expires with its key: the next hand-out makes a new one, as for any that
has expired. Few are ended in the transaction that retires the key, the others by the worker's next sweep. Later ones
look as well: a hand-out that had read the key before its retirement may commit a token of it afterwards.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from credservice.keys.hooks import MAX_COUNTED, Tokens, register_tokens
from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import OVERLAP

BATCH = 2_000
LATELY = timedelta(hours=1)  # longer than any request lives, and than a worker is away unnoticed

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
    """End a batch of them in the caller's transaction; the worker sees to the others."""
    return _end_batch(kids, timezone.now())[0]


def end_those_of_lately_retired() -> int:
    """End what keys that were retired in the last hour have signed; for the worker, at each sweep."""
    retired = SigningKey.objects.filter(state=SigningKey.State.RETIRED, ends_at__gt=timezone.now() - LATELY)
    kids = list(retired.values_list("kid", flat=True))
    return _end_all(kids) if kids else 0


def _end_all(kids: Collection[str]) -> int:
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

"""Reads lines for hashing: in the order of their ids, page by page, as PostgreSQL writes their values."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import connection

PAGE = 5_000
FIRST_ID = -(2**63)

# By (id, at), the table's own key: a second line with the id of another must not slip in between two pages.
_PAGE = """
SELECT id, at, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM'),
    id::text, (extract(epoch FROM at) * 1000000)::bigint::text, action, outcome, reason, actor, object_type, object_id,
    subject, source::text, request_id, detail::text
FROM audit_auditevent e WHERE (e.id, e.at) > (%s, %s) AND e.id <= %s ORDER BY e.id, e.at LIMIT %s
"""


class StoredLine(NamedTuple):
    """A line as the database holds it; ``values`` is what is hashed of it."""

    id: int
    at: datetime
    month: str
    values: tuple[str | None, ...]


def read_lines(after: int, up_to: int, limit: int | None = None) -> Iterator[StoredLine]:
    """Yield the lines whose id is above ``after`` (0: the very first) and at most ``up_to``; no more than ``limit``."""
    last_id, last_at = (after, "infinity") if after else (FIRST_ID, "-infinity")
    left = limit if limit is not None else 2**62
    while left > 0:
        with connection.cursor() as cursor:
            cursor.execute(_PAGE, [last_id, last_at, up_to, min(PAGE, left)])
            rows = cursor.fetchall()
        for number, at, month, *values in rows:
            yield StoredLine(number, at, month, tuple(values))
        if len(rows) < min(PAGE, left):
            return
        left -= len(rows)
        last_id, last_at = rows[-1][0], rows[-1][1].isoformat()

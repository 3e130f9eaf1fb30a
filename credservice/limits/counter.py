"""Rate limits that all processes and machines share: one counter a caller and minute, one round trip a call."""

from typing import NamedTuple

from django.db import connection

from credservice.exceptions import TooMany

_COUNT = """
INSERT INTO limits_window AS w (key, minute, calls) VALUES (%s, date_trunc('minute', now()), 1)
ON CONFLICT (key) DO UPDATE SET
    calls = CASE WHEN w.minute = excluded.minute THEN w.calls + 1 ELSE 1 END, minute = excluded.minute
RETURNING calls, ceil(extract(epoch FROM minute + interval '1 minute' - now()))::int
"""


class Window(NamedTuple):
    """The minute that runs: how many calls it has seen, this one included, and how many seconds are left of it."""

    calls: int
    seconds_left: int


def count(key: str) -> Window:
    """Count one call of ``key``."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key])
        calls, seconds_left = cursor.fetchone()
    return Window(calls, max(1, seconds_left))


def count_call(key: str, per_minute: int) -> None:
    """Count one call of ``key`` in the minute that runs. Raises :class:`TooMany` past ``per_minute``."""
    refuse_past(per_minute, count(key))


def refuse_past(per_minute: int, window: Window) -> None:
    """Raises :class:`TooMany` where the window has seen more calls than that."""
    if window.calls > per_minute:
        raise TooMany(
            f"More than {per_minute} requests in this minute. Try again in {window.seconds_left} s.",
            retry_after=window.seconds_left,
        )

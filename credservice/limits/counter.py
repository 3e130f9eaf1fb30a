"""Rate limits that all processes and machines share: one counter a caller and minute, one round trip a call."""

from django.db import connection

from credservice.exceptions import TooMany

_COUNT = """
INSERT INTO limits_window AS w (key, minute, calls) VALUES (%s, date_trunc('minute', now()), 1)
ON CONFLICT (key) DO UPDATE SET
    calls = CASE WHEN w.minute = excluded.minute THEN w.calls + 1 ELSE 1 END, minute = excluded.minute
RETURNING calls, ceil(extract(epoch FROM minute + interval '1 minute' - now()))::int
"""


def count_call(key: str, per_minute: int) -> None:
    """Count one call of ``key`` in the minute that runs. Raises :class:`TooMany` past ``per_minute``."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key])
        calls, seconds_left = cursor.fetchone()
    if calls > per_minute:
        raise TooMany(
            f"More than {per_minute} requests in this minute. Try again in {seconds_left} s.",
            retry_after=max(1, seconds_left),
        )

"""Requests per minute of a platform, counted in the database, where it has a limit."""

from django.db import connection

from credservice.exceptions import TooMany
from exchange.queries import PlatformRow

_COUNT = """
INSERT INTO exchange_requestcount AS c (platform_id, minute, requests) VALUES (%s, date_trunc('minute', now()), 1)
ON CONFLICT (platform_id) DO UPDATE SET
    requests = CASE WHEN c.minute = excluded.minute THEN c.requests + 1 ELSE 1 END, minute = excluded.minute
RETURNING requests, ceil(extract(epoch FROM minute + interval '1 minute' - now()))::int
"""


def count_request(platform: PlatformRow) -> None:
    """Count an authenticated request. Raises :class:`TooMany` over the limit, until the next full minute."""
    if platform.requests_per_minute is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [platform.id])
        requests, seconds_left = cursor.fetchone()
    if requests > platform.requests_per_minute:
        raise TooMany(
            f"This platform may make {platform.requests_per_minute} requests a minute.",
            retry_after=max(1, seconds_left),
        )

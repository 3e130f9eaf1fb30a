"""Foretells whether a lower limit of calls may have calls refused that are answered now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import connection
from django.utils import timezone

from exchange.audit import ACTION
from exchange.models import Platform

LATELY = timedelta(hours=24)
MOST = 500_000  # newest lines of a platform that are looked at: a third of a second
# Of any sixty seconds, and not of the clock's minutes alone: by these the limit counts, but the next busy one may begin
# at another second.
_BUSIEST = """
WITH newest AS (
    SELECT at FROM audit_auditevent WHERE actor = %s AND action = %s AND at >= %s ORDER BY id DESC LIMIT %s
), seconds AS (
    SELECT date_trunc('second', at) AS second, count(*) AS calls FROM newest GROUP BY 1
)
SELECT sum(calls) OVER (ORDER BY second RANGE '59 seconds' PRECEDING)::int, second
FROM seconds ORDER BY 1 DESC, 2 DESC LIMIT 1
"""


@dataclass(frozen=True)
class LimitImpact:
    """Tells how many calls came within a minute lately, and when that ended."""

    of: ClassVar = "limit"
    refused: ClassVar = "calls over the limit"
    advice: ClassVar = ""

    limit: int
    calls: int
    until: datetime

    def sentence(self, *, named: bool = True) -> str:
        """Say it; whose the calls are is nothing that is ``named``."""
        return (
            f"{self.calls:,} of its calls came within a minute, until {self.until:%Y-%m-%d %H:%M:%S} UTC: of as many, "
            f"a limit of {self.limit:,} a minute has {self.calls - self.limit:,} refused with 429."
        )

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        return {"calls_over_the_limit": self.calls - self.limit}


def foretell_limit(before: Platform, after: Platform) -> LimitImpact | None:
    """Compare the limits with the platform's calls of the last day, of more than ``MOST`` with the newest; None where
    as many may call as before, or none lately did."""
    limit = after.requests_per_minute
    if limit is None or (before.requests_per_minute is not None and before.requests_per_minute <= limit):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_BUSIEST, [f"platform:{before.name}", ACTION, timezone.now() - LATELY, MOST])
        busiest = cursor.fetchone()
    return LimitImpact(limit, *busiest) if busiest and busiest[0] > limit else None

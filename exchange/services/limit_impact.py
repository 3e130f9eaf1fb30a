"""Foretells whether a lower limit of calls may have calls refused that are answered now."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from credservice.audit.models import AuditEvent
from exchange.audit import ACTION
from exchange.models import Platform

LATELY = timedelta(hours=24)
# Newest lines of a platform that are looked at: enough for the limit, and never many more.
LOOKED_AT, MOST = 2_000, 20_000
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class LimitImpact:
    """Tells how many calls came within a minute lately, and when that ended."""

    limit: int
    calls: int
    until: datetime

    def sentence(self) -> str:
        """Say it."""
        return (
            f"{self.calls:,} of its calls came within a minute, until {self.until:%Y-%m-%d %H:%M:%S} UTC: of as many, "
            f"a limit of {self.limit:,} a minute has {self.calls - self.limit:,} refused with 429."
        )

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        return {"calls_over_the_limit": self.calls - self.limit}


def foretell_limit(before: Platform, after: Platform) -> LimitImpact | None:
    """Compare the limits with the platform's newest calls; None where as many may call as before, or none lately did.

    Of a very busy platform these are its last minutes.
    """
    limit = after.requests_per_minute
    if limit is None or (before.requests_per_minute is not None and before.requests_per_minute <= limit):
        return None
    lines = AuditEvent.objects.filter(actor=f"platform:{before.name}", action=ACTION).order_by("-pk")
    lines = lines.filter(at__gte=timezone.now() - LATELY)
    newest_first = list(lines.values_list("at", flat=True)[: min(max(LOOKED_AT, limit + 1), MOST)])
    window: deque[datetime] = deque()
    most, until = 0, None
    for at in reversed(newest_first):
        window.append(at)
        while window[0] <= at - _MINUTE:
            window.popleft()
        if len(window) > most:
            most, until = len(window), at
    return LimitImpact(limit, most, until) if until is not None and most > limit else None

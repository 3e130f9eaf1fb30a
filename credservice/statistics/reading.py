"""Reads what the console's first page shows of the sums: one indexed read of a few hundred rows."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from credservice.statistics.counters import BOUNDS
from credservice.statistics.models import Tally

GRANTED = "granted"
COUNTED_LIVE = 20_000  # credentials: up to here they are counted as they are


@dataclass(frozen=True)
class Traffic:
    """Exchanges by the hour, oldest first; ``p95`` in seconds, None for an hour without any."""

    hours: list[datetime]
    granted: list[int]
    refused: dict[str, list[int]]  # by reason, the most frequent first
    p95: list[float | None]


@dataclass(frozen=True)
class States:
    """Number of credentials in each state; ``at`` is when they were counted, None for just now."""

    counts: dict[str, int]
    at: datetime | None


def traffic(hours: int) -> Traffic:
    """Read the last ``hours`` hours, the one that runs included."""
    last = timezone.now().replace(minute=0, second=0, microsecond=0)
    every = [last - timedelta(hours=back) for back in range(hours - 1, -1, -1)]
    place = {hour: n for n, hour in enumerate(every)}
    outcomes: dict[str, list[int]] = defaultdict(lambda: [0] * hours)
    buckets: list[Counter[float]] = [Counter() for _ in every]
    rows = Tally.objects.filter(series__in=("exchange", "exchange.seconds"), hour__gte=every[0], hour__lte=last)
    for hour, series, name, count in rows.values_list("hour", "series", "name", "count"):
        if series == "exchange":
            outcomes[name][place[hour]] = count
        elif name != "other":
            buckets[place[hour]][float(name)] += count
    granted = outcomes.pop(GRANTED, [0] * hours)
    by_size = sorted(outcomes.items(), key=lambda item: -sum(item[1]))
    return Traffic(every, granted, dict(by_size), [quantile(counts, 0.95) for counts in buckets])


@dataclass(frozen=True)
class PartnerTraffic:
    """Calls of one platform or marketplace in some hours; a platform's ``answered`` are its granted exchanges."""

    name: str
    answered: int
    refused: int


def by_platform(hours: int) -> list[PartnerTraffic]:
    """Sum up the exchanges of each platform in the last ``hours`` hours, the busiest first."""
    return _by_partner(hours, "exchange.granted", "exchange.refused")


def by_marketplace(hours: int) -> list[PartnerTraffic]:
    """Sum up the calls of each marketplace, as :func:`by_platform` does."""
    return _by_partner(hours, "marketplace.answered", "marketplace.refused")


def _by_partner(hours: int, answered: str, refused: str) -> list[PartnerTraffic]:
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
    rows = Tally.objects.filter(series__in=(answered, refused), hour__gte=since)
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for series, name, count in rows.values_list("series", "name", "count"):
        sums[name][series] += count
    found = [PartnerTraffic(name, of[answered], of[refused]) for name, of in sums.items()]
    return sorted(found, key=lambda one: (-one.answered - one.refused, one.name))


def quantile(counts: Mapping[float, int], share: float) -> float | None:
    """Estimate the seconds within which ``share`` of what is in the buckets was answered, linear within a bucket."""
    wanted = share * sum(counts.values())
    below, passed = 0.0, 0
    for bound in BOUNDS:
        number = counts.get(bound, 0)
        if number and passed + number >= wanted:
            return below + (bound - below) * (wanted - passed) / number
        passed += number
        below = bound
    return None


def credential_states() -> States:
    """Count credentials by state now where they are few, and else as a job counted them last."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM (SELECT state FROM credentials_credential LIMIT %s) AS few GROUP BY state",
            [COUNTED_LIVE + 1],
        )
        counts = dict(cursor.fetchall())
    if sum(counts.values()) <= COUNTED_LIVE:
        return States(counts, None)
    newest = Tally.objects.filter(series="credentials").order_by("-hour").values("hour")[:1]
    rows = Tally.objects.filter(series="credentials", hour__in=newest).values_list("name", "count", "written_at")
    return States(
        {name: count for name, count, _ in rows if count},
        max((written for *_, written in rows), default=timezone.now()),
    )

"""Plots what a resource has used in the month that runs, by the day (UTC), for each metered feature."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.safestring import SafeString

from credservice.core.svg_charts import bars
from provisioning.catalogue import features_of
from provisioning.models import Feature, Resource
from provisioning.sso.labels import feature_name

# The sums that GET measures adds up as well, so that the page and the marketplace's bill agree.
_DAYS = """
SELECT feature_id, extract(day FROM hour AT TIME ZONE 'UTC')::int, sum(quantity) FROM provisioning_usagehour
WHERE resource_id = %(resource)s AND feature_id = ANY(%(features)s) AND hour >= %(start)s AND hour < %(end)s
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Used:
    """One metered feature: its total in the month, and the plot."""

    name: str
    total: str
    plot: SafeString


def usage_of(resource: Resource, now: datetime) -> list[Used]:
    """Plot each metered feature of the resource's plan, in the month of ``now``, which is in UTC."""
    metered = [feature for feature in features_of(resource.plan) if feature.is_metered]
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    days = monthrange(start.year, start.month)[1]
    sums = _sums(resource, metered, start, start + timedelta(days=days)) if metered else {}
    labels = [f"{day} {start:%b}" for day in range(1, days + 1)]
    return [_used(feature, labels, sums.get(feature.pk, {})) for feature in metered]


def _used(feature: Feature, labels: Sequence[str], sums: dict[int, int]) -> Used:
    values = [sums.get(day, 0) for day in range(1, len(labels) + 1)]
    name = feature_name(feature, feature.label)
    plot = bars(list(zip(labels, values, strict=True)), title=f"{name} by the day, in UTC")
    return Used(name, f"{sum(values):,}", plot)


def _sums(resource: Resource, features: Sequence[Feature], start: datetime, end: datetime) -> dict[Any, dict[int, int]]:
    asked: dict[str, Any] = {"resource": resource.pk, "features": [feature.pk for feature in features]}
    sums: dict[Any, dict[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, asked | {"start": start, "end": end})
        for feature, day, quantity in cursor.fetchall():
            sums.setdefault(feature, {})[day] = int(quantity)
    return sums

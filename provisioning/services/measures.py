"""Sums what a resource has used of its metered features."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from provisioning.models import Feature, Resource

HOUR = timedelta(hours=1)
# Reports lie well inside of these, and arithmetic on times stays possible.
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

# Whole hours from their sums; what is left of an hour at either end from its reports.
_SUM = """
SELECT feature_id, sum(quantity) FROM (
    SELECT feature_id, quantity FROM provisioning_usagehour
    WHERE resource_id = %(resource)s AND feature_id = ANY(%(features)s)
        AND hour >= %(first_hour)s AND hour < %(last_hour)s
    UNION ALL
    SELECT feature_id, quantity FROM provisioning_usagereport
    WHERE resource_id = %(resource)s AND feature_id = ANY(%(features)s) AND NOT is_corrected
        AND at >= %(start)s AND at < %(first_hour)s AND at < %(end)s
    UNION ALL
    SELECT feature_id, quantity FROM provisioning_usagereport
    WHERE resource_id = %(resource)s AND feature_id = ANY(%(features)s) AND NOT is_corrected
        AND at >= %(first_hour)s AND at >= %(last_hour)s AND at < %(end)s
) parts GROUP BY feature_id
"""


def usage(resource: Resource, features: Sequence[Feature], start: datetime, end: datetime) -> dict[str, int]:
    """Sum what a resource has used of each of the features within [start, end), by label; 0 without a report."""
    start, end = within(start), within(end)
    asked: dict[str, Any] = {
        "resource": resource.pk,
        "features": [feature.pk for feature in features],
        "start": start,
        "end": end,
        "first_hour": _hour(start + HOUR - datetime.resolution),
        "last_hour": _hour(end),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SUM, asked)
        sums = dict(cursor.fetchall())
    return {feature.label: int(sums.get(feature.pk, 0)) for feature in features}


def within(moment: datetime) -> datetime:
    return min(max(moment, _FIRST), _LAST)


def _hour(moment: datetime) -> datetime:
    """Find the hour that ``moment`` lies in, by UTC: half an hour's offset would cut it otherwise."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

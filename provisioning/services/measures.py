"""GET /v1/resources/:id/measures."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from provisioning.live_keys import Caller
from provisioning.models import Feature, Resource
from provisioning.selection import features_of
from provisioning.services.lookup import find_resource

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


def measure(*, caller: Caller, resource_id: str, start: datetime, end: datetime) -> dict[str, int] | None:
    """The use of each metered feature of a resource from ``start`` until just before ``end``, see :func:`period_end`.

    ``None`` where its plan meters nothing. Raises NotFound for an unknown resource.
    """
    resource = find_resource(caller, resource_id)
    metered = [feature for feature in features_of(resource.plan) if feature.is_metered]
    return usage(resource, metered, start, period_end(end)) if metered else None


def period_end(end: datetime) -> datetime:
    """The end that is meant: one in the last second of a month (UTC) is the start of the next.

    The marketplace's months are ``[first, first of the next)`` (manifold-provider-api.yaml), but it asks for them
    with their last second as the end (protocol notes, row 6). Taken by the letter, what was used in that second
    would be in no month, and a month's total that is stamped 23:59:59 in none at all.
    """
    second_later = _within(end).astimezone(UTC) + timedelta(seconds=1)
    return max(end, second_later.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def usage(resource: Resource, features: Sequence[Feature], start: datetime, end: datetime) -> dict[str, int]:
    """What a resource has used of each of the features within [start, end), by label. 0 where nothing was reported."""
    start, end = _within(start), _within(end)
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


def _within(moment: datetime) -> datetime:
    return min(max(moment, _FIRST), _LAST)


def _hour(moment: datetime) -> datetime:
    """The hour that ``moment`` lies in, by UTC: half an hour's offset would cut it otherwise."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

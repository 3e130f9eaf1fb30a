"""Answers ``GET /v1/resources/:id/measures``: the period as the marketplace means it."""

from datetime import UTC, datetime, timedelta

from provisioning.caller import Caller
from provisioning.catalogue import features_of
from provisioning.services.lookup import find_resource
from provisioning.services.measures import usage, within


def measure(*, caller: Caller, resource_id: str, start: datetime, end: datetime) -> dict[str, int] | None:
    """Sum the use of each metered feature of a resource from ``start`` until before ``end``, see :func:`period_end`.

    ``None`` where its plan meters nothing. Raises NotFound for an unknown resource.
    """
    resource = find_resource(caller, resource_id)
    metered = [feature for feature in features_of(resource.plan) if feature.is_metered]
    return usage(resource, metered, start, period_end(end)) if metered else None


def period_end(end: datetime) -> datetime:
    """Find the end that is meant: one in the last second of a month (UTC) is the start of the next.

    The marketplace's months are ``[first, first of the next)`` (manifold-provider-api.yaml), but it asks for them
    with their last second as the end (protocol notes, row 6). Taken by the letter, what was used in that second
    would be in no month, and a month's total that is stamped 23:59:59 in none at all.
    """
    second_later = within(end).astimezone(UTC) + timedelta(seconds=1)
    return max(end, second_later.replace(day=1, hour=0, minute=0, second=0, microsecond=0))

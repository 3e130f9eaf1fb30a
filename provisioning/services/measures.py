"""GET /v1/resources/:id/measures."""

from datetime import datetime

from provisioning.live_keys import Caller
from provisioning.models import Feature, Resource
from provisioning.selection import features_of
from provisioning.services.lookup import find_resource


def measure(*, caller: Caller, resource_id: str, start: datetime, end: datetime) -> dict[str, int] | None:
    """The use of each metered feature of a resource from ``start`` until just before ``end``.

    ``None`` where its plan meters nothing. Raises NotFound for an unknown resource.
    """
    resource = find_resource(caller, resource_id)
    metered = [feature for feature in features_of(resource.plan) if feature.is_metered]
    if not metered:
        return None
    return {feature.label: usage(resource, feature, start, end) for feature in metered}


def usage(resource: Resource, feature: Feature, start: datetime, end: datetime) -> int:
    """What a resource has used of a feature within [start, end). Nothing has been reported for any."""
    return 0

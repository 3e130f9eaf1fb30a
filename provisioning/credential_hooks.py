"""Tells the kernel of resources as subjects, and of how many of their credentials a rotation touches."""

from collections.abc import Collection
from uuid import UUID

from credservice.core.ids import find_ours
from credservice.credentials.hooks import Subject
from provisioning.models import Resource, ResourceCredential


def resource_credentials_of(lines: Collection[UUID]) -> dict[str, int]:
    bound = ResourceCredential.objects.filter(credential__line__in=lines, deprovisioned_at__isnull=True)
    return {"marketplace credentials": bound.count()}


def resource_subject(key: str) -> Subject | None:
    """For ``credservice.credentials.hooks``: a resource by our id, locked against a suspension meanwhile."""
    rows = Resource.objects.select_for_update(of=("self",), no_key=True).select_related("product", "plan")
    resource = find_ours(rows.exclude(state__in=Resource.GONE), key)
    if resource is None:
        return None
    context = {
        "resource": resource.partner_id,
        "product": resource.product.label,
        "plan": resource.plan.label,
        "region": resource.region,
        "features": resource.features,
    }
    return Subject(suspended=resource.state == Resource.State.SUSPENDED, context=context)

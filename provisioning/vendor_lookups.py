"""What the vendor API's paths name: a marketplace's id, or ours."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from credservice.credentials.subjects import Subject
from credservice.exceptions import Conflict, NotFound
from provisioning.models import Resource, ResourceCredential

M = TypeVar("M", bound=Model)


def find_resource(text: str, marketplace: str | None, *, lock: bool = False) -> Resource:
    """In whatever state. Raises NotFound, and Conflict for an id that two marketplaces use."""
    rows = Resource.objects.select_related("marketplace", "product", "plan")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    return _one(rows, text, marketplace, "resource")


def find_resource_credential(text: str, marketplace: str | None) -> ResourceCredential:
    """Also one that was deprovisioned. Raises NotFound, and Conflict as above."""
    rows = ResourceCredential.objects.select_related("marketplace", "resource", "credential")
    return _one(rows, text, marketplace, "credential")


def resource_subject(key: str) -> Subject | None:
    """For ``credservice.credentials.subjects``: a resource by our id, locked against a suspension meanwhile."""
    pk = as_uuid(key)
    rows = Resource.objects.select_for_update(of=("self",), no_key=True).select_related("product", "plan")
    resource = rows.filter(pk=pk).exclude(state__in=Resource.GONE).first() if pk else None
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


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def _one(rows: QuerySet[M], text: str, marketplace: str | None, kind: str) -> M:
    key = as_uuid(text)
    rows = rows.filter(Q(pk=key) if key else Q(partner_id=text))
    if marketplace is not None:
        rows = rows.filter(marketplace__name=marketplace)
    found = list(rows[:2])
    if len(found) > 1:
        raise Conflict(f"Several marketplaces have a {kind} of this id: name the marketplace.", code="ambiguous")
    if not found:
        raise NotFound(f"No marketplace has a {kind} of this id.")
    return found[0]

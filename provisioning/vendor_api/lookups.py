"""Finds what the vendor API's paths name by a marketplace's id, or by ours."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from credservice.core.exceptions import Conflict, NotFound
from credservice.core.ids import find_theirs_or_ours
from provisioning.models import Resource, ResourceCredential

M = TypeVar("M", bound=Model)


def find_resource(text: str, marketplace: str | None, *, lock: bool = False) -> Resource:
    """Find it; one that is gone only where no other has its id. Raises NotFound and Conflict."""
    rows = Resource.objects.select_related("marketplace", "product", "plan")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    return _one(rows, ~Q(state__in=Resource.GONE), text, marketplace, "resource")


def find_resource_credential(text: str, marketplace: str | None) -> ResourceCredential:
    """Find it; one that was deprovisioned as above. Raises NotFound and Conflict."""
    rows = ResourceCredential.objects.select_related("marketplace", "resource", "credential")
    return _one(rows, Q(deprovisioned_at=None), text, marketplace, "credential")


def _one(rows: QuerySet[M], there: Q, text: str, marketplace: str | None, kind: str) -> M:
    if marketplace is not None:
        rows = rows.filter(marketplace__name=marketplace)
    found = find_theirs_or_ours(rows.filter(there), "partner_id", text) or find_theirs_or_ours(rows, "partner_id", text)
    if len(found) > 1:
        raise Conflict(f"Several marketplaces have a {kind} of this id: name the marketplace.", code="ambiguous")
    if not found:
        raise NotFound(f"No marketplace has a {kind} of this id.")
    return found[0]

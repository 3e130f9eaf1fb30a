"""Finds what the vendor API's paths name: by name or label; or by a marketplace's id, or ours."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from credservice.core.exceptions import Conflict, NotFound
from credservice.core.ids import find_theirs_or_ours
from provisioning.models import Marketplace, Product, Resource, ResourceCredential

M = TypeVar("M", bound=Model)
NO_MARKETPLACE = "There is no marketplace of this name."


def find_marketplace(name: str) -> Marketplace:
    """Find the marketplace of a path. Raises NotFound."""
    found = Marketplace.objects.filter(name=name).first()
    if found is None:
        raise NotFound(NO_MARKETPLACE)
    return found


def find_product(marketplace: str, label: str) -> Product:
    """Find the product of a path. Raises NotFound."""
    rows = find_marketplace(marketplace).products.select_related("marketplace", "policy")
    found = rows.filter(label=label).first()
    if found is None:
        raise NotFound("The marketplace has no product with this label.")
    return found


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

"""PUT /v1/resources/:id."""

from dataclasses import replace

from django.db import transaction

from credservice.audit import record
from credservice.exceptions import Conflict
from provisioning.live_keys import Caller
from provisioning.models import Resource
from provisioning.selection import select
from provisioning.serializers import ResourceOrder


def provision_resource(*, caller: Caller, resource_id: str, order: ResourceOrder) -> Resource:
    """The resource that was ordered, new or made before by the same order.

    An order is the same where it equals the first one, also after a plan change, which it does not undo; or where "the
    provided properties match the entity stored" ("Repeatable Actions"), so that features which it does not name do not
    count. Raises Conflict for any other order of a known id, for ever, and Invalid where the catalogue does not have
    what is ordered.
    """
    resources = Resource.objects.select_related("product", "plan")
    known = resources.filter(marketplace_id=caller.marketplace_id, partner_id=resource_id).first()
    if known is not None:
        return _repeated(known, order, caller)
    plan = select(caller.marketplace_id, order)
    content = {
        "product": plan.product,
        "plan": plan,
        "region": order.region,
        "features": order.features or {},
        "request_fingerprint": order.fingerprint(),
    }
    with transaction.atomic():
        # Two equal orders at once: the constraint lets one through, and the other one finds it.
        resource, created = resources.get_or_create(
            marketplace_id=caller.marketplace_id, partner_id=resource_id, defaults=content
        )
        if created:
            _record(resource, caller)
    return resource if created else _repeated(resource, order, caller)


def _repeated(resource: Resource, order: ResourceOrder, caller: Caller) -> Resource:
    if resource.state in Resource.GONE:
        # "An id that was deprovisioned is never used again" (protocol notes): a late PUT brings nothing back.
        raise Conflict("This resource has been removed, and its id is not used again. Create a new resource.")
    if not _is_same(order, resource):
        raise Conflict("A resource with this id exists already, with another product, plan, region or features.")
    _record(resource, caller, repeated=True)
    return resource


def _is_same(order: ResourceOrder, resource: Resource) -> bool:
    features = resource.features if order.features is None else order.features
    now = ResourceOrder(resource.product.label, resource.plan.label, resource.region, resource.features)
    return order.fingerprint() == bytes(resource.request_fingerprint) or (
        replace(order, features=features).fingerprint() == now.fingerprint()
    )


def _record(resource: Resource, caller: Caller, **detail: bool) -> None:
    record(
        action="resource.provisioned",
        actor=caller.actor,
        object_type="resource",
        object_id=resource.pk,
        subject=resource.subject,
        detail=detail | {"product": resource.product.label, "plan": resource.plan.label, "region": resource.region},
    )

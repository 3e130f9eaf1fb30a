"""Provisions a resource."""

from dataclasses import replace
from typing import NamedTuple

import structlog
from django.db import transaction

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid
from provisioning.caller import Caller
from provisioning.catalogue import select
from provisioning.models import Operation, Resource
from provisioning.orders import ResourceOrder
from provisioning.protocols import get_protocol
from provisioning.refusals import OTHER_ATTRIBUTES, REMOVED
from provisioning.services import events
from provisioning.services.deferred import Accepted, ReplyTo, repeated, start, under_way
from provisioning.services.lookup import hold_id

log = structlog.get_logger(__name__)
State, Verb = Resource.State, Operation.Verb


class Provisioned(NamedTuple):
    """Tells the resource, and whether this request has made it or has found what the same order made."""

    resource: Resource
    is_new: bool


def provision_resource(
    *, caller: Caller, resource_id: str, order: ResourceOrder, reply_to: ReplyTo
) -> Provisioned | Accepted:
    """Make the resource that is ordered, or find it where the same order made it; Accepted while the vendor does so.

    An order is the same where it equals the first one, also after a plan change, which it does not undo; or where "the
    provided properties match the entity stored" ("Repeatable Actions"), so that features which it does not name do not
    count. Raises Conflict for any other order of a known id, for ever, and for the id of another marketplace's resource
    that is there; Invalid where the catalogue does not have what is ordered, or where it could not be provisioned.
    """
    resources = Resource.objects.select_related("product", "plan")
    known = resources.filter(marketplace_id=caller.marketplace_id, partner_id=resource_id).first()
    if known is not None:
        return _repeated(known, order, caller, reply_to)
    plan = select(caller.marketplace_id, order)
    content = {
        "product": plan.product,
        "plan": plan,
        "region": order.region,
        "features": order.features or {},
        "request_fingerprint": order.fingerprint(),
    }
    if plan.product.provisioner:
        content["state"] = State.PROVISIONING
    with transaction.atomic():
        hold_id(resource_id)
        if get_protocol(caller.protocol).has_global_ids:
            _refuse_id_of_another(caller, resource_id)
        # Two equal orders at once: the constraint lets one through, and the other one finds it.
        resource, created = resources.get_or_create(
            marketplace_id=caller.marketplace_id, partner_id=resource_id, defaults=content
        )
        if created and resource.state == State.PROVISIONING:
            return start(caller=caller, reply_to=reply_to, resource=resource, verb=Verb.PROVISION)
        if created:
            record_provisioned(resource, caller.actor)
    return Provisioned(resource, True) if created else _repeated(resource, order, caller, reply_to)


def _refuse_id_of_another(caller: Caller, resource_id: str) -> None:
    """Raise Conflict where another marketplace of the protocol has this id for a resource that is not gone.

    A sign-on's link names the resource alone, so one marketplace could end another one's users' sign-on for good.
    """
    others = Resource.objects.exclude(marketplace_id=caller.marketplace_id).exclude(state__in=Resource.GONE)
    others = others.filter(marketplace__protocol_name=caller.protocol)
    other = others.filter(partner_id=resource_id).select_related("marketplace").first()
    if other is not None:
        log.error("resource_id_of_another_marketplace", caller=caller.actor, owner=other.marketplace.name)
        raise Conflict("This id cannot be used here. Create a new resource.", code="id_of_another_marketplace")


def _repeated(resource: Resource, order: ResourceOrder, caller: Caller, reply_to: ReplyTo) -> Provisioned | Accepted:
    if resource.state == State.FAILED:
        raise Invalid(_why_failed(resource))
    if resource.state in Resource.GONE:
        # "An id that was deprovisioned is never used again" (protocol notes): a late PUT brings nothing back.
        raise Conflict(
            "This resource has been removed, and its id is not used again. Create a new resource.", code=REMOVED
        )
    if not _is_same(order, resource):
        raise Conflict(
            "A resource with this id exists already, with another product, plan, region or features.",
            code=OTHER_ATTRIBUTES,
        )
    if resource.state == State.PROVISIONING:
        return _being_provisioned(resource, caller, reply_to)
    record_provisioned(resource, caller.actor, repeated=True)
    return Provisioned(resource, False)


def _being_provisioned(resource: Resource, caller: Caller, reply_to: ReplyTo) -> Provisioned | Accepted:
    """Answer the same order while it is under way; take it up anew where nobody had awaited it any more."""
    with transaction.atomic():
        resource = (
            Resource.objects.select_for_update(of=("self",)).select_related("product", "plan").get(pk=resource.pk)
        )
        operation = under_way(resource)
        if operation is not None:
            return repeated(operation, reply_to=reply_to, verb=Verb.PROVISION)
        if resource.state == State.PROVISIONING:
            return start(caller=caller, reply_to=reply_to, resource=resource, verb=Verb.PROVISION)
    if resource.state == State.FAILED:
        raise Invalid(_why_failed(resource))
    record_provisioned(resource, caller.actor, repeated=True)
    return Provisioned(resource, False)


def _why_failed(resource: Resource) -> str:
    """Repeat the outcome that was told: "the result returned should always be the same" ("Repeatable Actions")."""
    failed = resource.operations.filter(verb=Verb.PROVISION, state=Operation.State.FAILED).order_by("-created_at")
    message = failed.values_list("message", flat=True).first()
    return message or "The provider could not provision this resource. Create a new one."


def _is_same(order: ResourceOrder, resource: Resource) -> bool:
    features = resource.features if order.features is None else order.features
    now = ResourceOrder(resource.product.label, resource.plan.label, resource.region, resource.features)
    return order.fingerprint() == bytes(resource.request_fingerprint) or (
        replace(order, features=features).fingerprint() == now.fingerprint()
    )


def record_provisioned(resource: Resource, actor: str, **detail: bool) -> None:
    order = {"product": resource.product.label, "plan": resource.plan.label, "region": resource.region}
    record(Line.about(resource, "resource.provisioned", actor, detail | order))
    if not detail.get("repeated"):
        events.provisioned(resource)

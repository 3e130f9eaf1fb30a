"""PUT /v1/resources/:id."""

from dataclasses import replace

from django.db import transaction

from credservice.audit import record
from credservice.exceptions import Conflict, Invalid
from provisioning import telling
from provisioning.live_keys import Caller
from provisioning.models import Operation, Resource
from provisioning.selection import select
from provisioning.serializers import ResourceOrder
from provisioning.services.later import Accepted, CallbackTo, check_callback, repeated, start, under_way

State, Verb = Resource.State, Operation.Verb


def provision_resource(
    *, caller: Caller, resource_id: str, order: ResourceOrder, callback: CallbackTo | None = None
) -> Resource | Accepted:
    """The resource that was ordered, new or made before by the same order; Accepted while the vendor provisions it.

    An order is the same where it equals the first one, also after a plan change, which it does not undo; or where "the
    provided properties match the entity stored" ("Repeatable Actions"), so that features which it does not name do not
    count. Raises Conflict for any other order of a known id, for ever, and Invalid where the catalogue does not have
    what is ordered, or where it could not be provisioned.
    """
    resources = Resource.objects.select_related("product", "plan")
    known = resources.filter(marketplace_id=caller.marketplace_id, partner_id=resource_id).first()
    if known is not None:
        return _repeated(known, order, caller, callback)
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
        callback = check_callback(caller, callback)
    with transaction.atomic():
        # Two equal orders at once: the constraint lets one through, and the other one finds it.
        resource, created = resources.get_or_create(
            marketplace_id=caller.marketplace_id, partner_id=resource_id, defaults=content
        )
        if created and resource.state == State.PROVISIONING and callback is not None:
            return start(caller=caller, to=callback, resource=resource, verb=Verb.PROVISION)
        if created:
            record_provisioned(resource, caller.actor)
    return resource if created else _repeated(resource, order, caller, callback)


def _repeated(
    resource: Resource, order: ResourceOrder, caller: Caller, callback: CallbackTo | None
) -> Resource | Accepted:
    if resource.state == State.FAILED:
        raise Invalid(_why_failed(resource))
    if resource.state in Resource.GONE:
        # "An id that was deprovisioned is never used again" (protocol notes): a late PUT brings nothing back.
        raise Conflict("This resource has been removed, and its id is not used again. Create a new resource.")
    if not _is_same(order, resource):
        raise Conflict("A resource with this id exists already, with another product, plan, region or features.")
    if resource.state == State.PROVISIONING:
        return _being_provisioned(resource, caller, callback)
    record_provisioned(resource, caller.actor, repeated=True)
    return resource


def _being_provisioned(resource: Resource, caller: Caller, callback: CallbackTo | None) -> Resource | Accepted:
    """The same order while it is under way; taken up anew where nobody had awaited it any more."""
    with transaction.atomic():
        resource = (
            Resource.objects.select_for_update(of=("self",)).select_related("product", "plan").get(pk=resource.pk)
        )
        operation = under_way(resource)
        if operation is not None:
            return repeated(operation, caller=caller, to=callback, verb=Verb.PROVISION)
        if resource.state == State.PROVISIONING:
            to = check_callback(caller, callback)
            return start(caller=caller, to=to, resource=resource, verb=Verb.PROVISION)
    if resource.state == State.FAILED:
        raise Invalid(_why_failed(resource))
    record_provisioned(resource, caller.actor, repeated=True)
    return resource


def _why_failed(resource: Resource) -> str:
    """What its callback said: "the result returned should always be the same" ("Repeatable Actions")."""
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
    record(
        action="resource.provisioned",
        actor=actor,
        object_type="resource",
        object_id=resource.pk,
        subject=resource.subject,
        detail=detail | {"product": resource.product.label, "plan": resource.plan.label, "region": resource.region},
    )
    if not detail.get("repeated"):
        telling.provisioned(resource)

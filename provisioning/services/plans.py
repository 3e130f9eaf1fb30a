"""PATCH /v1/resources/:id."""

from typing import Any

from django.db import transaction

from credservice.audit import record
from credservice.credentials.services import update_context
from credservice.exceptions import Conflict, Invalid
from provisioning import telling
from provisioning.live_keys import Caller
from provisioning.models import Operation, Plan, Resource
from provisioning.selection import check_features, find_plan, keep_features
from provisioning.sentences import one_of, quoted
from provisioning.serializers import PlanOrder
from provisioning.services.later import Accepted, CallbackTo, check_callback, repeated, start, under_way
from provisioning.services.lookup import find_resource

Verb = Operation.Verb


def change_plan(
    *, caller: Caller, resource_id: str, order: PlanOrder, callback: CallbackTo | None = None
) -> tuple[Resource, bool] | Accepted:
    """The resource on the plan that was asked for, and whether that changed anything; or Accepted.

    Features that the request names replace the chosen ones; without any, those stay that the new plan has too.
    Raises NotFound for an unknown resource, Invalid for a plan or features that it cannot change to,
    Conflict while something else is done with it.
    """
    with transaction.atomic():
        resource = find_resource(caller, resource_id, lock=True)
        operation = under_way(resource) if resource.product.provisioner else None
        if operation is not None:
            return _during(operation, resource, order, caller, callback)
        if order.plan == resource.plan.label and order.features in (None, resource.features):
            # "If the resource's plan matches the given plan": at once, whatever became of the plan since.
            return resource, False
        _check_active(resource)
        plan, features = _choice(resource, order)
        if resource.product.provisioner:
            to = check_callback(caller, callback)
            return start(caller=caller, to=to, resource=resource, verb=Verb.CHANGE_PLAN, plan=plan, features=features)
        put_on_plan(resource, plan, features, caller.actor)
    return resource, True


def put_on_plan(resource: Resource, plan: Plan, features: dict[str, Any], actor: str) -> None:
    """Change the plan of a resource that the caller's transaction has locked."""
    _record(resource, plan, actor)
    resource.plan, resource.features = plan, features
    resource.save(update_fields=["plan", "features"])
    update_context(subject=resource.subject, plan=plan.label, features=features)
    telling.changed(resource)


def _during(
    operation: Operation, resource: Resource, order: PlanOrder, caller: Caller, callback: CallbackTo | None
) -> Accepted:
    """A request that comes while something is done with the resource: the same plan change once more, or a conflict."""
    if operation.verb != Verb.CHANGE_PLAN:
        raise Conflict("The resource is being set up or removed, so its plan cannot be changed now.")
    plan, features = _choice(resource, order)
    return repeated(operation, caller=caller, to=callback, verb=Verb.CHANGE_PLAN, plan=plan, features=features)


def _choice(resource: Resource, order: PlanOrder) -> tuple[Plan, dict[str, Any]]:
    plan = resource.plan if order.plan == resource.plan.label else find_plan(resource.product, order.plan)
    if plan != resource.plan:
        _check_allowed(resource.plan, plan)
    if order.features is None:
        return plan, keep_features(plan, resource.features)
    check_features(plan, order.features)
    return plan, order.features


def _check_allowed(old: Plan, new: Plan) -> None:
    if not old.restricts_changes:
        return
    allowed = list(old.changes_to.filter(is_active=True).values_list("label", flat=True))
    if new.label not in allowed:
        raise Invalid(f"Cannot change to the {quoted(new.label)} plan from {quoted(old.label)}. {one_of(allowed)}")


def _check_active(resource: Resource) -> None:
    if resource.state == Resource.State.PROVISIONING:
        raise Conflict("The resource is being set up, so its plan cannot be changed now.")
    if resource.state != Resource.State.ACTIVE:
        raise Invalid("The resource is suspended, so its plan cannot be changed. Ask the provider's support.")


def _record(resource: Resource, plan: Plan, actor: str) -> None:
    record(
        action="resource.plan_changed",
        actor=actor,
        object_type="resource",
        object_id=resource.pk,
        subject=resource.subject,
        detail={"product": resource.product.label, "from": resource.plan.label, "to": plan.label},
    )

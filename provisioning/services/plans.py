"""Changes the plan of a resource."""

from typing import Any

from django.db import transaction

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid
from credservice.credentials.services import update_context
from provisioning.caller import Caller
from provisioning.catalogue import check_features, find_plan, keep_features
from provisioning.models import Operation, Plan, Resource
from provisioning.orders import PlanOrder
from provisioning.refusals import NOT_CHANGEABLE, SUSPENDED, UNDER_WAY
from provisioning.services import events
from provisioning.services.deferred import Accepted, ReplyTo, repeated, start, under_way
from provisioning.services.lookup import find_resource
from provisioning.wording import one_of, quoted

Verb = Operation.Verb


def change_plan(
    *, caller: Caller, resource_id: str, order: PlanOrder, reply_to: ReplyTo
) -> tuple[Resource, bool] | Accepted:
    """Put a resource on the plan that is asked for; returns it, and whether that changed anything; or Accepted.

    Features that the request names replace the chosen ones; without any, those stay that the new plan has too.
    Raises NotFound for an unknown resource, Invalid for a plan or features that it cannot change to,
    Conflict while something else is done with it.
    """
    with transaction.atomic():
        resource = find_resource(caller, resource_id, lock=True)
        operation = under_way(resource) if resource.product.provisioner else None
        if operation is not None:
            return _during(operation, resource, order, reply_to)
        if order.plan in (None, resource.plan.label) and _wanted(resource.features, order) == resource.features:
            # "If the resource's plan matches the given plan": at once, whatever became of the plan since.
            return resource, False
        _check_active(resource)
        plan, features = _choice(resource, order)
        if resource.product.provisioner:
            return start(
                caller=caller,
                reply_to=reply_to,
                resource=resource,
                verb=Verb.CHANGE_PLAN,
                plan=plan,
                features=features,
            )
        put_on_plan(resource, plan, features, caller.actor)
    return resource, True


def put_on_plan(resource: Resource, plan: Plan, features: dict[str, Any], actor: str) -> None:
    """Change the plan of a resource that the caller's transaction has locked."""
    detail = {"product": resource.product.label, "from": resource.plan.label, "to": plan.label}
    record(Line.about(resource, "resource.plan_changed", actor, detail))
    resource.plan, resource.features = plan, features
    resource.save(update_fields=["plan", "features"])
    update_context(subject=resource.subject, plan=plan.label, features=features)
    events.changed(resource)


def _during(operation: Operation, resource: Resource, order: PlanOrder, reply_to: ReplyTo) -> Accepted:
    """Answer a request that comes during an operation: the same plan change once more, or a conflict."""
    if operation.verb != Verb.CHANGE_PLAN:
        raise Conflict("The resource is being set up or removed, so its plan cannot be changed now.", code=UNDER_WAY)
    plan, features = _choice(resource, order)
    return repeated(operation, reply_to=reply_to, verb=Verb.CHANGE_PLAN, plan=plan, features=features)


def _choice(resource: Resource, order: PlanOrder) -> tuple[Plan, dict[str, Any]]:
    wanted = resource.plan.label if order.plan is None else order.plan
    plan = resource.plan if wanted == resource.plan.label else find_plan(resource.product, wanted)
    if plan != resource.plan:
        _check_allowed(resource.plan, plan)
    if order.features is not None:
        check_features(plan, order.features)
    return plan, _wanted(keep_features(plan, resource.features), order)


def _wanted(kept: dict[str, Any], order: PlanOrder) -> dict[str, Any]:
    """Choose the features that a resource will have, of those that it keeps and those that are ordered."""
    if order.features is None:
        return kept
    return kept | order.features if order.keeps_others else order.features


def _check_allowed(old: Plan, new: Plan) -> None:
    if not old.restricts_changes:
        return
    allowed = list(old.changes_to.filter(is_active=True).values_list("label", flat=True))
    if new.label not in allowed:
        raise Invalid(
            f"Cannot change to the {quoted(new.label)} plan from {quoted(old.label)}. {one_of(allowed)}",
            code=NOT_CHANGEABLE,
        )


def _check_active(resource: Resource) -> None:
    if resource.state == Resource.State.PROVISIONING:
        raise Conflict("The resource is being set up, so its plan cannot be changed now.", code=UNDER_WAY)
    if resource.state != Resource.State.ACTIVE:
        raise Invalid(
            "The resource is suspended, so its plan cannot be changed. Ask the provider's support.", code=SUSPENDED
        )

"""Checks PATCH /resources/:id."""

from provisioning.checker import expect
from provisioning.checker.cases.manifold.bodies import NOT_OBJECTS, all_refused
from provisioning.checker.ids import new_id
from provisioning.checker.provider import Provider
from provisioning.checker.registry import case

NEW_PLAN = ("new_plan",)


@case("plan.change.done", "a resource changes its plan", needs=NEW_PLAN)
def changed(provider: Provider) -> None:
    _changed(provider)


@case("plan.change.repeat", "the same change again is the same success", needs=NEW_PLAN)
def repeat(provider: Provider) -> None:
    resource_id = _changed(provider)
    expect.success(provider.change_plan(resource_id, provider.order.upgrade()), 200, 204)


@case("plan.change.same_plan", "a change to the plan that it is on is a success")
def same_plan(provider: Provider) -> None:
    expect.success(provider.change_plan(provider.resource(), provider.order.unchanged()), 200, 204)


@case("plan.change.kept", "the resource is on the new plan afterwards", strict=True, needs=NEW_PLAN)
def kept(provider: Provider) -> None:
    # "If the entity does exist, but the provided properties match the entity stored" ("Repeatable Actions").
    resource_id = _changed(provider)
    expect.success(provider.put_resource(resource_id, provider.order.upgraded_resource(resource_id)), 201, 204)


@case("plan.change.unknown_plan", "an unknown plan is refused")
def unknown_plan(provider: Provider) -> None:
    expect.refusal(provider.change_plan(provider.resource(), {"plan": "non-existing"}), 400)


@case("plan.change.missing_plan", "a change without a plan is refused")
def missing_plan(provider: Provider) -> None:
    resource_id = provider.resource()
    all_refused(provider.change_plan(resource_id, body) for body in ({}, {"plan": None}, {"plan": 7}))


@case("plan.change.broken_body", "a body that is no JSON object is refused")
def broken_body(provider: Provider) -> None:
    resource_id = provider.resource()
    all_refused(provider.change_plan(resource_id, body) for body in NOT_OBJECTS)


@case("plan.change.unknown_resource", "an unknown resource is not found")
def unknown_resource(provider: Provider) -> None:
    expect.refusal(provider.change_plan(new_id(), provider.order.unchanged()), 404)


@case("plan.change.deprovisioned", "a deprovisioned resource is not found")
def deprovisioned(provider: Provider) -> None:
    resource_id = provider.resource()
    expect.status(provider.delete_resource(resource_id), 204)
    expect.refusal(provider.change_plan(resource_id, provider.order.unchanged()), 404)


def _changed(provider: Provider) -> str:
    resource_id = provider.resource()
    expect.success(provider.change_plan(resource_id, provider.order.upgrade()), 200, 204)
    return resource_id

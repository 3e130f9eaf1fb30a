"""Checks PATCH of an instance."""

from typing import Any

from provisioning.checker.broker import Broker, at, new_id, refused
from provisioning.checker.cases.osb.register import osb_case
from provisioning.checker.failures import Failure, NotApplicable

NEW_PLAN = ("new_plan",)


@osb_case("update.plan", "an instance changes its plan, and is on it afterwards", needs=NEW_PLAN)
def plan(broker: Broker) -> None:
    if not broker.plan.get("plan_updateable", broker.service.get("plan_updateable")):
        raise NotApplicable("the catalogue does not say plan_updateable")
    path = at(broker.instance())
    for _ in range(2):
        broker.done(broker.patch(path, _service(broker, plan_id=broker.new_plan["id"])), 200)
    if broker.service.get("instances_retrievable"):
        reply = broker.get(path)
        if reply.json().get("plan_id") != broker.new_plan["id"]:
            raise Failure("`plan_id` is not the new plan's", reply)


@osb_case("update.nothing", "an update that names nothing to change is 200")
def nothing(broker: Broker) -> None:
    broker.done(broker.patch(at(broker.instance()), _service(broker)), 200)


@osb_case("update.unknown_plan", "an unknown plan is 400")
def unknown_plan(broker: Broker) -> None:
    refused(broker.patch(at(broker.instance()), _service(broker, plan_id=new_id())), 400)


@osb_case("update.missing_field", "an update without service is 400")
def missing_field(broker: Broker) -> None:
    path = at(broker.instance())
    for body in ({}, {"service_id": None}, b"[]"):
        refused(broker.patch(path, body), 400)


@osb_case("update.unknown_instance", "an unknown instance is 404", strict=True)
def unknown_instance(broker: Broker) -> None:
    refused(broker.patch(at(new_id()), _service(broker)), 404, 410)


@osb_case("update.maintenance", "another version of the plan is 422 MaintenanceInfoConflict")
def maintenance(broker: Broker) -> None:
    body = _service(broker, maintenance_info={"version": "9999.0.0"})
    refused(broker.patch(at(broker.instance()), body), 422, error="MaintenanceInfoConflict")


def _service(broker: Broker, **changes: Any) -> dict[str, Any]:
    return {"service_id": broker.service["id"], **changes}

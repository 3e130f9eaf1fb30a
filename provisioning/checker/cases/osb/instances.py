"""Checks provision, fetch and deprovision."""

from typing import Any

from provisioning.checker import expect
from provisioning.checker.broker import Broker, at, new_id, refused
from provisioning.checker.cases.osb.register import osb_case
from provisioning.checker.failures import Deviation, Failure, NotApplicable
from provisioning.checker.messages import Reply

NEW_PLAN, FEATURES = ("new_plan",), ("features",)
NOT_OBJECTS = (b"", b"{", b"[]", b"null", b'"text"', b"\xff")


@osb_case("instance.provision.created", "a new instance is 201, or 202 and then there")
def created(broker: Broker) -> None:
    reply = broker.done(broker.put(at(new_id()), broker.offer()), 200, 201)
    if reply.status == 200:
        raise Deviation("expected 201 or 202, got 200 (which older texts allow)", reply)


@osb_case("instance.provision.synchronous", "without accepts_incomplete it is 201, or 422 AsyncRequired")
def synchronous(broker: Broker) -> None:
    reply = broker.put(at(new_id()), broker.offer(), asynchronous=False)
    if reply.status not in (200, 201):
        refused(reply, 422, error="AsyncRequired")


@osb_case("instance.provision.repeat", "the same request again is 200")
def repeat(broker: Broker) -> None:
    reply = broker.put(at(broker.instance()), broker.offer())
    expect.status(reply, 200, 201)
    if reply.status == 201:
        raise Deviation("expected 200, got 201 (which older platforms take as well)", reply)


@osb_case("instance.provision.context", "another context is the same request", strict=True)
def context(broker: Broker) -> None:
    expect.status(broker.put(at(broker.instance()), broker.offer(context={"platform": "other"})), 200)


@osb_case("instance.provision.conflict", "the same id with another plan is 409", needs=NEW_PLAN)
def conflict(broker: Broker) -> None:
    refused(broker.put(at(broker.instance()), broker.offer_of(broker.new_plan)), 409)


@osb_case("instance.provision.unknown", "an unknown service or plan is 400")
def unknown(broker: Broker) -> None:
    for changes in ({"service_id": new_id()}, {"plan_id": new_id()}, {"service_id": "x", "plan_id": "y"}):
        refused(broker.put(at(new_id()), broker.offer(**changes)), 400)


@osb_case("instance.provision.missing_field", "a request without service or plan is 400")
def missing_field(broker: Broker) -> None:
    for name in ("service_id", "plan_id"):
        body = {key: value for key, value in broker.offer().items() if key != name}
        refused(broker.put(at(new_id()), body), 400)


@osb_case("instance.provision.wrong_type", "a service, a plan or parameters of another type are 400")
def wrong_type(broker: Broker) -> None:
    changes: list[dict[str, Any]] = [{"service_id": 7}, {"plan_id": None}, {"plan_id": []}, {"parameters": "text"}]
    for change in changes:
        refused(broker.put(at(new_id()), broker.offer(**change)), 400)


@osb_case("instance.provision.broken_body", "a body that is no JSON object is 400")
def broken_body(broker: Broker) -> None:
    for body in NOT_OBJECTS:
        refused(broker.put(at(new_id()), body), 400)


@osb_case("instance.provision.content_type", "another Content-Type is 400", strict=True)
def content_type(broker: Broker) -> None:
    request = broker.request("PUT", at(new_id()), broker.offer()).with_header("Content-Type", "text/plain")
    refused(broker.send(request), 400)


@osb_case("instance.provision.unknown_field", "a field that the text does not name is ignored")
def unknown_field(broker: Broker) -> None:
    broker.done(broker.put(at(new_id()), broker.offer(not_a_field=True)), 201)


@osb_case("instance.provision.parameters", "parameters against the plan's schema are 400", strict=True)
def parameters(broker: Broker) -> None:
    schema = broker.plan.get("schemas", {}).get("service_instance", {}).get("create", {}).get("parameters", {})
    if schema.get("additionalProperties") is not False:
        raise NotApplicable("the schema takes any parameter")
    refused(broker.put(at(new_id()), broker.offer(parameters={"not-a-parameter": True})), 400)


@osb_case("instance.provision.maintenance", "another version of the plan is 422 MaintenanceInfoConflict")
def maintenance(broker: Broker) -> None:
    reply = broker.put(at(new_id()), broker.offer(maintenance_info={"version": "9999.0.0"}))
    refused(reply, 422, error="MaintenanceInfoConflict")


@osb_case("instance.provision.reuse", "the id of a removed instance is not used again", strict=True)
def reuse(broker: Broker) -> None:
    path = _removed(broker)
    refused(broker.put(path, broker.offer()), 409)


@osb_case("instance.fetch.found", "an instance can be fetched where the catalogue says so")
def fetched(broker: Broker) -> None:
    reply = _retrieved(broker, at(broker.instance()))
    expect.status(reply, 200)
    content = expect.json_object(reply)
    if (content.get("service_id"), content.get("plan_id")) != (broker.service["id"], broker.plan["id"]):
        raise Failure("`service_id` and `plan_id` must be those of the provision", reply)


@osb_case("instance.fetch.unknown", "an unknown and a removed instance are 404")
def fetch_unknown(broker: Broker) -> None:
    refused(_retrieved(broker, at(new_id())), 404)
    refused(_retrieved(broker, _removed(broker)), 404)


@osb_case("instance.deprovision.done", "an instance is removed, and then 410")
def deprovisioned(broker: Broker) -> None:
    expect.status(broker.delete(_removed(broker)), 410)


@osb_case("instance.deprovision.unknown", "an unknown instance is 410")
def deprovision_unknown(broker: Broker) -> None:
    expect.status(broker.delete(at(new_id())), 410)


@osb_case("instance.deprovision.missing_field", "a removal without service or plan is 400")
def deprovision_missing(broker: Broker) -> None:
    path = at(broker.instance())
    for name in ("service_id", "plan_id"):
        refused(broker.delete(path, {key: value for key, value in broker.named.items() if key != name}), 400)


@osb_case("id.any", "ids may hold any character, percent-encoded", strict=True)
def any_id(broker: Broker) -> None:
    for text in ("a b", "ü", "a:b", "a+b", "a/b", "x" * 255):
        instance_id = f"{text}{new_id()}"[-255:]
        broker.done(broker.put(at(instance_id), broker.offer()), 201)
        broker.done(broker.delete(at(instance_id)), 200)


def _retrieved(broker: Broker, path: str) -> Reply:
    if not broker.service.get("instances_retrievable"):
        raise NotApplicable("the catalogue does not say instances_retrievable")
    return broker.get(path)


def _removed(broker: Broker) -> str:
    path = at(broker.instance())
    broker.done(broker.delete(path), 200)
    return path

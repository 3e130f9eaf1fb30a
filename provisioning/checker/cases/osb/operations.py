"""Checks last operations, and what happens to other calls while one is under way."""

from provisioning.checker import expect
from provisioning.checker.broker import Broker, at, new_id, refused, state_of
from provisioning.checker.cases.osb.register import osb_case
from provisioning.checker.failures import Failure, NotApplicable
from provisioning.checker.messages import Reply


@osb_case("operation.unknown", "the last operation of an unknown instance is 404 or 410")
def unknown(broker: Broker) -> None:
    refused(broker.get(f"{at(new_id())}/last_operation", broker.named), 404, 410)
    refused(broker.get(f"{at(new_id(), new_id())}/last_operation", broker.named), 404, 410)


@osb_case("operation.without_id", "an operation is found by its instance alone")
def without_id(broker: Broker) -> None:
    path, reply = _begun(broker)
    state_of(_polled(broker, path))
    broker.done(reply)
    if state_of(_polled(broker, path)) != "succeeded":
        raise Failure("the outcome is not readable after the end", reply)


@osb_case("operation.same", "the same request meanwhile is 202 with the same operation")
def same(broker: Broker) -> None:
    path, first = _begun(broker)
    again = broker.put(path, broker.offer())
    if again.status == 202 and again.json().get("operation") != first.json().get("operation"):
        raise Failure("the repeated request has another `operation`", first, again)
    expect.status(again, 200, 202)


@osb_case("operation.concurrency", "a binding of what is being made is 422 ConcurrencyError")
def concurrency(broker: Broker) -> None:
    path, _ = _begun(broker)
    reply = broker.put(f"{path}/service_bindings/{new_id()}", broker.binding())
    if state_of(_polled(broker, path)) != "in progress":
        raise NotApplicable("the instance was there too soon")
    refused(reply, 422, error="ConcurrencyError")


@osb_case("operation.not_fetched", "an instance that is being made is 404")
def not_fetched(broker: Broker) -> None:
    path, _ = _begun(broker)
    reply = broker.get(path)
    if state_of(_polled(broker, path)) != "in progress":
        raise NotApplicable("the instance was there too soon")
    if broker.service.get("instances_retrievable"):
        refused(reply, 404)


def _polled(broker: Broker, path: str) -> Reply:
    reply = broker.get(f"{path}/last_operation")
    expect.status(reply, 200)
    return reply


def _begun(broker: Broker) -> tuple[str, Reply]:
    path = at(new_id())
    reply = broker.put(path, broker.offer())
    if reply.status != 202:
        raise NotApplicable("the broker provisions at once")
    return path, reply

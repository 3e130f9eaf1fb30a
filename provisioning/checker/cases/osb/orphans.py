"""Checks orphan mitigation: a delete of what the platform does not know to be there, in every order."""

from time import sleep

from provisioning.checker import expect
from provisioning.checker.broker import POLL_SECONDS, Broker, at, new_id, refused
from provisioning.checker.cases.osb.register import osb_case
from provisioning.checker.failures import Failure
from provisioning.checker.messages import Reply

MOST_DELETES = 100


@osb_case("orphan.before", "a delete that overtakes its create is 410, and the create then succeeds or is refused")
def before(broker: Broker) -> None:
    path = at(new_id())
    expect.status(broker.delete(path), 410)
    _no_error(broker.put(path, broker.offer()))
    _deleted(broker, path)


@osb_case("orphan.during", "a delete right after the create's answer is accepted or 422, and at last 200 or 410")
def during(broker: Broker) -> None:
    path = at(new_id())
    _no_error(broker.put(path, broker.offer()))
    _deleted(broker, path)


@osb_case("orphan.refused", "what was refused is 410, or refused again")
def after_refusal(broker: Broker) -> None:
    path = at(new_id())
    refused(broker.put(path, broker.offer(plan_id=new_id())), 400)
    expect.status(broker.delete(path), 410)


@osb_case("orphan.binding", "a binding is removed in the same ways")
def binding(broker: Broker) -> None:
    instance_id = broker.instance()
    path = at(instance_id, new_id())
    expect.status(broker.delete(path), 410)
    _no_error(broker.put(path, broker.binding()))
    _deleted(broker, path)


@osb_case("orphan.instance_first", "an instance that goes before its binding leaves nothing to remove")
def instance_first(broker: Broker) -> None:
    instance_id = broker.instance()
    binding_id, _ = broker.bound(instance_id)
    reply = broker.delete(at(instance_id))
    if reply.status not in (200, 202):
        refused(reply, 400, 422)  # a broker may want its bindings gone first
        return
    broker.done(reply, 200)
    expect.status(broker.delete(at(instance_id, binding_id)), 410)


def _no_error(reply: Reply) -> None:
    if reply.status >= 500:
        raise Failure("a server error, after which the platform deletes what it does not know", reply)


def _deleted(broker: Broker, path: str) -> None:
    """Delete until the answer is 200 or 410, as a platform does."""
    for _ in range(MOST_DELETES):
        reply = broker.delete(path)
        if reply.status == 202:
            broker.done(reply)
            return
        if reply.status in (200, 410):
            return
        refused(reply, 422, error="ConcurrencyError")
        sleep(POLL_SECONDS)
    raise Failure(f"still refused after {MOST_DELETES} deletes", reply)

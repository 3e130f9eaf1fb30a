"""Checks bind, fetch, unbind and rotate."""

from provisioning.checker import expect
from provisioning.checker.broker import Broker, at, credentials_of, new_id, refused
from provisioning.checker.cases.osb.register import osb_case
from provisioning.checker.failures import Deviation, Failure, NotApplicable


@osb_case("binding.created", "a new binding is 201 with credentials, or 202 and then there")
def created(broker: Broker) -> None:
    broker.bound(broker.instance())


@osb_case("binding.repeat", "the same request again is 200 with the same credentials")
def repeat(broker: Broker) -> None:
    instance_id = broker.instance()
    binding_id, first = broker.bound(instance_id)
    reply = broker.put(at(instance_id, binding_id), broker.binding())
    if credentials_of(reply) != first:
        raise Failure("the repeated request has other credentials", reply)
    if reply.status == 201:
        raise Deviation("expected 200, got 201 (which older platforms take as well)", reply)


@osb_case("binding.own", "each binding has credentials of its own", strict=True)
def own(broker: Broker) -> None:
    instance_id = broker.instance()
    if broker.bound(instance_id)[1] == broker.bound(instance_id)[1]:
        raise Failure("two bindings have the same credentials, so none of them can be removed by itself")


@osb_case("binding.unknown", "an unknown service or plan, or an unknown instance, is refused")
def unknown(broker: Broker) -> None:
    instance_id = broker.instance()
    _, _ = broker.bound(instance_id)
    for changes in ({"service_id": new_id()}, {"plan_id": new_id()}):
        refused(broker.put(at(instance_id, new_id()), broker.binding(**changes)), 400)
    refused(broker.put(at(new_id(), new_id()), broker.binding()), 400, 404, 410, 422)


@osb_case("binding.missing_field", "a request without service or plan is 400")
def missing_field(broker: Broker) -> None:
    instance_id = broker.instance()
    for name in ("service_id", "plan_id"):
        body = {key: value for key, value in broker.binding().items() if key != name}
        refused(broker.put(at(instance_id, new_id()), body), 400)
    refused(broker.put(at(instance_id, new_id()), b"["), 400)


@osb_case("binding.of_another", "a binding is of its own instance alone", strict=True)
def of_another(broker: Broker) -> None:
    binding_id, _ = broker.bound(broker.instance())
    wrong = at(broker.instance(), binding_id)
    if broker.service.get("bindings_retrievable"):
        refused(broker.get(wrong), 404)
    expect.status(broker.delete(wrong), 410)
    refused(broker.put(wrong, broker.binding()), 409)


@osb_case("binding.fetch", "a binding can be fetched where the catalogue says so; an unknown one is 404")
def fetched(broker: Broker) -> None:
    if not broker.service.get("bindings_retrievable"):
        raise NotApplicable("the catalogue does not say bindings_retrievable")
    instance_id = broker.instance()
    binding_id, first = broker.bound(instance_id)
    reply = broker.get(at(instance_id, binding_id))
    if credentials_of(reply) != first:
        raise Failure("a fetched binding has other credentials", reply)
    refused(broker.get(at(instance_id, new_id())), 404)


@osb_case("binding.unbind", "a binding is removed, and then 410; so is an unknown one")
def unbound(broker: Broker) -> None:
    instance_id = broker.instance()
    path = at(instance_id, broker.bound(instance_id)[0])
    for name in ("service_id", "plan_id"):
        refused(broker.delete(path, {key: value for key, value in broker.named.items() if key != name}), 400)
    broker.done(broker.delete(path), 200)
    expect.status(broker.delete(path), 410)
    expect.status(broker.delete(at(instance_id, new_id())), 410)


@osb_case("rotation.successor", "a successor lives beside its predecessor until that one is removed")
def successor(broker: Broker) -> None:
    _check_rotatable(broker)
    instance_id = broker.instance()
    binding_id, first = broker.bound(instance_id)
    path = at(instance_id, new_id())
    # The examples carry this field alone; service and plan are required elsewhere.
    second = broker.credentials(path, broker.binding(predecessor_binding_id=binding_id))
    if first == second:
        raise Failure("the successor has its predecessor's credentials")
    broker.done(broker.delete(at(instance_id, binding_id)), 200)
    if broker.service.get("bindings_retrievable") and credentials_of(broker.get(path)) != second:
        raise Failure("the successor's credentials changed when its predecessor was removed")


@osb_case("rotation.predecessor_alone", "a rotation need not name service and plan", strict=True)
def predecessor_alone(broker: Broker) -> None:
    _check_rotatable(broker)
    instance_id = broker.instance()
    binding_id, _ = broker.bound(instance_id)
    broker.credentials(at(instance_id, new_id()), {"predecessor_binding_id": binding_id})


@osb_case("rotation.unknown", "a rotation of an unknown binding is refused")
def unknown_predecessor(broker: Broker) -> None:
    _check_rotatable(broker)
    path = at(broker.instance(), new_id())
    refused(broker.put(path, broker.binding(predecessor_binding_id=new_id())), 400, 404, 410, 422)


def _check_rotatable(broker: Broker) -> None:
    if not broker.plan.get("binding_rotatable", broker.service.get("binding_rotatable")):
        raise NotApplicable("the catalogue does not say binding_rotatable")

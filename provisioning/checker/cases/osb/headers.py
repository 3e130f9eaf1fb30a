"""Checks what every call carries: authentication, version, identities."""

from collections.abc import Iterator

from provisioning.checker import expect
from provisioning.checker.broker import Broker, at, basic, new_id, refused
from provisioning.checker.cases.osb.register import osb_case
from provisioning.checker.failures import Deviation, Failure
from provisioning.checker.messages import Reply, Request

IDENTITY = "X-Broker-API-Originating-Identity"
REQUEST_IDENTITY = "X-Broker-API-Request-Identity"


@osb_case("auth.missing", "a call without a password is 401, on every route")
def missing(broker: Broker) -> None:
    for request in _routes(broker):
        expect.status(broker.send(request.without_header("Authorization")), 401)


@osb_case("auth.wrong", "a call with a wrong password or scheme is 401, on every route")
def wrong(broker: Broker) -> None:
    for request in _routes(broker):
        for authorization in (basic("check-provider", "wrong"), "Bearer wrong", "Basic !"):
            expect.status(broker.send(request.with_header("Authorization", authorization)), 401)


@osb_case("header.version.missing", "a call without a version is 412")
def no_version(broker: Broker) -> None:
    # "MAY 400" in the text; checkers want 412.
    _precondition(broker.send(broker.request("GET", "/catalog").without_header("X-Broker-API-Version")), 400)


@osb_case("header.version.unsupported", "a call of another major version is 412")
def other_version(broker: Broker) -> None:
    _precondition(broker.send(broker.request("GET", "/catalog").with_header("X-Broker-API-Version", "1.0")))


@osb_case("header.version.older", "versions 2.13 to 2.16 are answered")
def older_versions(broker: Broker) -> None:
    for version in ("2.13", "2.14", "2.15", "2.16"):
        reply = broker.send(broker.request("GET", "/catalog").with_header("X-Broker-API-Version", version))
        expect.status(reply, 200)


@osb_case("header.request_identity", "the platform's name of a request is sent back", strict=True)
def request_identity(broker: Broker) -> None:
    identity = new_id()
    reply = broker.send(broker.request("GET", "/catalog", None, None, (REQUEST_IDENTITY, identity)))
    if reply.header(REQUEST_IDENTITY) != identity:
        raise Failure(f"{REQUEST_IDENTITY} is not sent back", reply)


@osb_case("header.originating_identity", "a call may say who stands behind it, or not")
def originating_identity(broker: Broker) -> None:
    for text in ("cloudfoundry eyJ1c2VyX2lkIjogInUifQ==", "kubernetes eyJ1c2VybmFtZSI6ICJ1IiwgInVpZCI6ICIxIn0="):
        request = broker.request("GET", "/catalog", None, None, (IDENTITY, text))
        expect.status(broker.send(request), 200)


def _routes(broker: Broker) -> Iterator[Request]:
    instance, binding = at(new_id()), at(new_id(), new_id())
    yield broker.request("GET", "/catalog")
    for path, body in ((instance, broker.offer()), (binding, broker.binding())):
        yield broker.request("PUT", path, body)
        yield broker.request("GET", path)
        yield broker.request("GET", f"{path}/last_operation")
        yield broker.request("DELETE", path, None, broker.named)
    yield broker.request("PATCH", instance, {"service_id": broker.service["id"]})


def _precondition(reply: Reply, *lenient: int) -> None:
    if reply.status in lenient:
        raise Deviation(f"expected 412, got {reply.status} (which the text allows as well)", reply)
    refused(reply, 412)

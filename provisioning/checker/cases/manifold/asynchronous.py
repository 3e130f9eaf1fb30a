"""Checks work that is promised with 202 and finished by callback (Provider API, "Callbacks").

Every case waits for the callback of a 202; these are about the callbacks themselves, and are skipped where the
provider answers at once: "A Provider must decide if long running provisioning must be supported".
"""

from dataclasses import dataclass
from time import sleep
from typing import Any

from provisioning.checker import expect
from provisioning.checker.connector.answers import BROKEN_OFF
from provisioning.checker.connector.callbacks import Callback
from provisioning.checker.failures import NotApplicable
from provisioning.checker.ids import new_id
from provisioning.checker.messages import Reply
from provisioning.checker.provider import Provider
from provisioning.checker.registry import case
from provisioning.checker.signer import sign

# How long to watch for a callback that must not come.
QUIET_SECONDS = 1.0
AT_ONCE = "the provider answers this at once"


@case("async.resource.provision", "a resource is provisioned by callback", connector=True)
def provision(provider: Provider) -> None:
    expect.success(_promised(provider.put_resource(new_id())), 201)


@case("async.resource.plan", "a plan is changed by callback", needs=("new_plan",), connector=True)
def plan(provider: Provider) -> None:
    expect.success(_promised(provider.change_plan(provider.resource(), provider.order.upgrade())), 200)


@case("async.resource.deprovision", "a resource is deprovisioned by callback", connector=True)
def deprovision(provider: Provider) -> None:
    resource_id = provider.resource()
    expect.status(_promised(provider.delete_resource(resource_id)), 204)
    expect.refusal(provider.delete_resource(resource_id), 404)


@case("async.credential.provision", "a credential is provisioned by callback", connector=True)
def provision_credential(provider: Provider) -> None:
    expect.credentials(_promised(provider.put_credential(new_id(), provider.resource())))


@case("async.credential.deprovision", "a credential is deprovisioned by callback", connector=True)
def deprovision_credential(provider: Provider) -> None:
    credential = provider.credential(provider.resource())
    expect.status(_promised(provider.delete_credential(credential.id)), 204)
    expect.refusal(provider.delete_credential(credential.id), 404)


@case("async.callback.error", "a callback that is answered with 500 is sent again, equal to the byte", connector=True)
def error(provider: Provider) -> None:
    _sent_again(provider, 500)


@case("async.callback.dropped", "a callback whose connection breaks off is sent again", connector=True)
def dropped(provider: Provider) -> None:
    _sent_again(provider, BROKEN_OFF)


@case("async.callback.token", "a callback that is answered with 401 is sent again with a new token", connector=True)
def token(provider: Provider) -> None:
    _sent_again(provider, 401)


@case("async.callback.once", "a callback that was accepted is not followed by another outcome", connector=True)
def once(provider: Provider) -> None:
    _kept(provider, _promise(provider))
    sleep(QUIET_SECONDS)
    provider.check_callbacks()


@case("async.repeat.running", "a request repeated meanwhile calls its own callback", strict=True, connector=True)
def running(provider: Provider) -> None:
    first = _promise(provider)
    reply, callback = _sent(provider, "PUT", first.path, first.body)
    expect.success(reply, 201, 202, 204)
    expect.success(provider.outcome(reply, callback), 201, 204)


@case("async.repeat.nothing", "what changes nothing is answered at once", strict=True, connector=True)
def nothing(provider: Provider) -> None:
    _kept(provider, _promise(provider))
    reply, _ = _sent(provider, "PATCH", f"/resources/{provider.resource()}", provider.order.unchanged())
    expect.success(reply, 200, 204)


@dataclass(frozen=True)
class Promise:
    """A PUT that was answered with 202."""

    path: str
    body: dict[str, Any]
    reply: Reply
    callback: Callback


def _promise(provider: Provider) -> Promise:
    """Make the first PUT that is answered with 202: a resource's provisioning, or that of a credential of it."""
    resource_id, credential_id = new_id(), new_id()
    bodies = {
        f"/resources/{resource_id}": provider.order.resource(resource_id),
        f"/credentials/{credential_id}": {"id": credential_id, "resource_id": resource_id},
    }
    for path, body in bodies.items():
        reply, callback = _sent(provider, "PUT", path, body)
        if reply.status == 202 and callback is not None:
            return Promise(path, body, reply, callback)
        expect.success(provider.outcome(reply, callback), 201, 204)
    raise NotApplicable(AT_ONCE)


def _promised(reply: Reply) -> Reply:
    """Send a request that is answered with 202, and wait for its outcome."""
    if not reply.later and reply.status < 300:
        raise NotApplicable(AT_ONCE)
    return reply


def _kept(provider: Provider, promise: Promise) -> None:
    expect.success(provider.outcome(promise.reply, promise.callback), 201)


def _sent_again(provider: Provider, *statuses: int) -> None:
    with provider.connector.answering_first(*statuses):
        promise = _promise(provider)
    _kept(provider, promise)


def _sent(provider: Provider, method: str, path: str, body: dict[str, Any]) -> tuple[Reply, Callback | None]:
    return provider.dispatch(sign(provider.request(method, path, body), provider.live))

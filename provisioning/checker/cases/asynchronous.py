"""Work that is promised with 202 and finished by callback (Provider API, "Callbacks").

Every case waits for the callback of a 202; these are about the callbacks themselves, and are skipped where the
provider answers at once: "A Provider must decide if long running provisioning must be supported".
"""

from time import sleep

from provisioning.checker import expect
from provisioning.checker.connector.answers import BROKEN_OFF
from provisioning.checker.connector.callbacks import Callback
from provisioning.checker.failures import Failure, NotApplicable
from provisioning.checker.ids import new_id
from provisioning.checker.messages import Reply, Request
from provisioning.checker.provider import Provider
from provisioning.checker.registry import case
from provisioning.checker.signer import sign

# How long to watch for a callback that must not come.
QUIET_SECONDS = 1.0


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
    _promised(provider.put_resource(new_id()))
    sleep(QUIET_SECONDS)
    provider.check_callbacks()


@case("async.repeat.running", "a request repeated meanwhile calls its own callback", strict=True, connector=True)
def running(provider: Provider) -> None:
    resource_id = new_id()
    first, _ = _put(provider, resource_id)
    if first.status != 202:
        raise NotApplicable(_at_once(first))
    again, callback = _put(provider, resource_id)
    expect.success(again, 201, 202, 204)
    expect.success(provider.outcome(again, callback), 201, 204)


@case("async.repeat.nothing", "what changes nothing is answered at once", strict=True, connector=True)
def nothing(provider: Provider) -> None:
    resource_id = new_id()
    _promised(provider.put_resource(resource_id))
    reply, _ = _sent(provider, provider.request("PATCH", f"/resources/{resource_id}", provider.order.unchanged()))
    expect.success(reply, 200, 204)


def _promised(reply: Reply) -> Reply:
    if not reply.later:
        raise NotApplicable(_at_once(reply))
    return reply


def _at_once(reply: Reply) -> str:
    if reply.status >= 300:
        raise Failure(f"expected a success or a 202, got {reply.status}", reply)
    return f"the provider answers at once: {reply.request.method} -> {reply.status}"


def _sent_again(provider: Provider, *statuses: int) -> None:
    with provider.connector.answering_first(*statuses):
        reply, callback = _put(provider, new_id())
    expect.success(_promised(provider.outcome(reply, callback)), 201)


def _put(provider: Provider, resource_id: str) -> tuple[Reply, Callback | None]:
    return _sent(provider, provider.request("PUT", f"/resources/{resource_id}", provider.order.resource(resource_id)))


def _sent(provider: Provider, request: Request) -> tuple[Reply, Callback | None]:
    return provider.dispatch(sign(request, provider.live))

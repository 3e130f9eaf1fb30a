"""Checks PUT and DELETE /credentials/:id."""

from provisioning.checker import expect
from provisioning.checker.cases.manifold.bodies import NOT_OBJECTS, all_refused, malformed_ids
from provisioning.checker.failures import Deviation
from provisioning.checker.ids import new_id
from provisioning.checker.provider import Provider
from provisioning.checker.registry import case


@case("credential.provision.created", "a new credential has names and values as documented")
def created(provider: Provider) -> None:
    reply = provider.put_credential(new_id(), provider.resource())
    expect.credentials(reply)
    if expect.json_object(reply).get("message") is None:
        # Optional to the marketplace's checker since its 0.10.2, but shown to the user where it is there.
        raise Deviation("a 201 for credentials should carry a `message`", reply)
    expect.message(reply)


@case("credential.provision.repeat", "the same request again has the same values")
def repeat(provider: Provider) -> None:
    resource_id = provider.resource()
    first = provider.credential(resource_id)
    again = expect.credentials(provider.put_credential(first.id, resource_id))
    expect.same_values(first.values, again, when="the second answer")


@case("credential.provision.conflict", "the same id for another resource is a conflict")
def conflict(provider: Provider) -> None:
    credential = provider.credential(provider.resource())
    expect.refusal(provider.put_credential(credential.id, provider.resource()), 409)


@case("credential.provision.unknown_resource", "an unknown resource is not found")
def unknown_resource(provider: Provider) -> None:
    expect.refusal(provider.put_credential(new_id(), new_id()), 404)


@case("credential.provision.deprovisioned_resource", "a deprovisioned resource is not found")
def deprovisioned_resource(provider: Provider) -> None:
    resource_id = provider.resource()
    expect.status(provider.delete_resource(resource_id), 204)
    expect.refusal(provider.put_credential(new_id(), resource_id), 404)


@case("credential.provision.missing_field", "a request without a resource id is refused")
def missing_field(provider: Provider) -> None:
    credential_id = new_id()
    bodies = ({"id": credential_id}, {"id": credential_id, "resource_id": 7})
    all_refused(provider.call("PUT", f"/credentials/{credential_id}", body) for body in bodies)


@case("credential.provision.broken_body", "a body that is no JSON object is refused")
def broken_body(provider: Provider) -> None:
    all_refused(provider.call("PUT", f"/credentials/{new_id()}", body) for body in NOT_OBJECTS)


@case("credential.provision.malformed_id", "a malformed id is refused", strict=True)
def malformed_id(provider: Provider) -> None:
    resource_id = provider.resource()
    all_refused(provider.put_credential(credential_id, resource_id) for credential_id in malformed_ids())


@case("credential.provision.other_id", "another id in the body than in the path is refused", strict=True)
def other_id(provider: Provider) -> None:
    body = {"id": new_id(), "resource_id": provider.resource()}
    expect.refusal(provider.call("PUT", f"/credentials/{new_id()}", body), 400)


@case("credential.provision.reuse", "the id of a deprovisioned credential is not used again", strict=True)
def reuse(provider: Provider) -> None:
    resource_id = provider.resource()
    credential_id = _deprovisioned(provider, resource_id)
    expect.refusal(provider.put_credential(credential_id, resource_id), 409)


@case("credential.deprovision.done", "a credential is deprovisioned")
def deprovisioned(provider: Provider) -> None:
    # One sentence of the document says 404 for this; its list of answers and the marketplace's client say 204.
    _deprovisioned(provider, provider.resource())


@case("credential.deprovision.again", "a deprovisioned credential is not found")
def deprovisioned_again(provider: Provider) -> None:
    expect.refusal(provider.delete_credential(_deprovisioned(provider, provider.resource())), 404)


@case("credential.deprovision.unknown", "an unknown credential is not found")
def deprovision_unknown(provider: Provider) -> None:
    expect.refusal(provider.delete_credential(new_id()), 404)


def _deprovisioned(provider: Provider, resource_id: str) -> str:
    credential = provider.credential(resource_id)
    expect.status(provider.delete_credential(credential.id), 204)
    return credential.id

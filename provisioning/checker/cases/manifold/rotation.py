"""Checks the marketplace's two strategies of rotation ("Credential rotation testing")."""

from provisioning.checker import expect
from provisioning.checker.failures import Failure
from provisioning.checker.ids import new_id
from provisioning.checker.provider import Credential, Provider
from provisioning.checker.registry import case


@case("rotation.swap", "a second credential is made, then the first is deleted", credentials="multiple")
def swap(provider: Provider) -> None:
    resource_id = provider.resource()
    first, second = provider.credential(resource_id), provider.credential(resource_id)
    _different(first, second)
    _unchanged(provider, first, resource_id, when="the first credential, asked for again beside the second,")
    expect.status(provider.delete_credential(first.id), 204)
    _unchanged(provider, second, resource_id, when="the second credential, asked for again after the first is gone,")


@case("rotation.replace", "the first credential is deleted, then a second is made", credentials="single")
def replace(provider: Provider) -> None:
    resource_id = provider.resource()
    first = provider.credential(resource_id)
    expect.status(provider.delete_credential(first.id), 204)
    _different(first, provider.credential(resource_id))


@case("rotation.one_at_a_time", "no second credential beside a living one", credentials="single", strict=True)
def one_at_a_time(provider: Provider) -> None:
    resource_id, second_id = provider.resource(), new_id()
    first = provider.credential(resource_id)
    expect.refusal(provider.put_credential(second_id, resource_id), 409)
    expect.status(provider.delete_credential(first.id), 204)
    # The refused request is repeated as it was: a refusal must not use up the id.
    expect.credentials(provider.put_credential(second_id, resource_id))


def _different(first: Credential, second: Credential) -> None:
    if first.values == second.values:
        raise Failure("both credentials have the same values; a rotation must change them")


def _unchanged(provider: Provider, credential: Credential, resource_id: str, *, when: str) -> None:
    again = expect.credentials(provider.put_credential(credential.id, resource_id))
    expect.same_values(credential.values, again, when=when)

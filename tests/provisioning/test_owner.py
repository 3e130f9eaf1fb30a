"""A credential is handed to no resource but its own, whatever a row of the database says."""

import pytest

from credservice.credentials.models import Credential
from credservice.crypto import SealError, seal
from provisioning.models import Callback, Marketplace, Operation, Resource, ResourceCredential
from tests.provisioning.conftest import new_id, put_credential


@pytest.fixture
def own(credential_id):
    return ResourceCredential.objects.get(partner_id=credential_id)


@pytest.fixture
def others(door, own, other_id):
    """The credential of another resource, to which this one's binding is led by somebody who writes to the database."""
    partner_id = new_id()
    assert put_credential(door, partner_id, other_id).status_code == 201
    binding = ResourceCredential.objects.get(partner_id=partner_id)
    credential = binding.credential
    ResourceCredential.objects.filter(pk=binding.pk).update(credential=_spare(credential))
    ResourceCredential.objects.filter(pk=own.pk).update(credential=credential)
    return credential


def _spare(credential):
    """Something for the other binding to name: of a credential there is one at most."""
    return Credential.objects.create(
        policy=credential.policy, line=credential.line, subject=credential.subject, state="failed"
    )


def value_of(credential):
    (value,) = credential.open().values()
    return value


def assert_refused(answer, value, trail, reason):
    assert (answer.status_code, value in answer.content.decode()) == (409, False)
    assert trail.one(action="resource_credential.put", outcome="refused").reason == reason


def test_a_binding_led_to_anothers_credential_hands_out_nothing(door, resource_id, own, others, trail):
    answer = put_credential(door, own.partner_id, resource_id)
    assert_refused(answer, value_of(others), trail, "credential_of_another")
    assert trail.all(action="credential.handed_out") == []


def test_a_credential_given_to_the_resource_does_not_open(door, resource_id, own, others, trail, caplog):
    value = value_of(others)
    Credential.objects.filter(pk=others.pk).update(subject=Resource.objects.get(partner_id=resource_id).subject)
    answer = put_credential(door, own.partner_id, resource_id)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert f"credentials.credential {others.pk} sealed_values: does not open" in caplog.text
    assert value not in answer.content.decode()
    assert trail.all(action="credential.handed_out") == []


def test_deleting_it_ends_nothing_of_the_other(door, own, others):
    assert door.delete(f"/v1/credentials/{own.partner_id}").status_code == 204
    others.refresh_from_db()
    assert others.state == "active"
    own.refresh_from_db()
    assert own.deprovisioned_at is not None


def test_a_client_secret_is_not_sent_to_another_connector(marketplace):
    marketplace.sealed_client_secret = seal(b"the secret", marketplace.client_secret_place)
    marketplace.save()
    assert Marketplace.objects.get().open_client_secret() == "the secret"
    Marketplace.objects.update(connector_url="https://attacker.example/v1")
    with pytest.raises(SealError):
        Marketplace.objects.get().open_client_secret()


def test_a_callbacks_body_is_not_sent_to_another_address(marketplace, door, resource_id):
    operation = Operation.objects.create(resource=Resource.objects.get(), verb="provision", fingerprint=b"f")
    callback = Callback(marketplace=marketplace, operation=operation, partner_id=new_id(), url="https://a.example/v1/1")
    callback.sealed_body = seal(b"{}", callback.place)
    callback.save()
    assert Callback.objects.get().open_body() == b"{}"
    Callback.objects.update(url="https://attacker.example/v1/1")
    with pytest.raises(SealError):
        Callback.objects.get().open_body()

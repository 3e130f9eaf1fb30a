"""PUT and DELETE /v1/credentials/:id."""

from credservice.credentials.models import Credential
from provisioning.models import ResourceCredential
from tests.provisioning.conftest import new_id, put_credential


def test_it_answers_a_new_credential_with_its_values(door, resource_id):
    response = put_credential(door, new_id(), resource_id)
    assert response.status_code == 201
    assert response.json()["credentials"]["BEAR_TOKEN"].startswith("sk_live_")
    assert len(response.json()["message"]) >= 3


def test_the_same_request_again_has_the_same_values(door, resource_id):
    partner_id = new_id()
    first = put_credential(door, partner_id, resource_id)
    again = put_credential(door, partner_id, resource_id)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert Credential.objects.count() == 1


def test_deleting_a_resource_revokes_its_credentials(door, resource_id, credential_id):
    assert door.delete(f"/v1/resources/{resource_id}").status_code == 204
    assert Credential.objects.get().state == Credential.State.REVOKED
    assert door.delete(f"/v1/credentials/{credential_id}").status_code == 404


def test_a_deleted_credential_is_gone(door, credential_id):
    assert door.delete(f"/v1/credentials/{credential_id}").status_code == 204
    assert door.delete(f"/v1/credentials/{credential_id}").status_code == 404
    assert ResourceCredential.objects.get().deprovisioned_at is not None

"""PUT and DELETE /v1/credentials/:id, of a product that supports several credentials."""

import pytest

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import revoke, rotate
from provisioning.models import Marketplace, Product, Resource, ResourceCredential, TrustedKey
from tests.provisioning import signer
from tests.provisioning.conftest import new_id, order, put_credential


def test_a_new_credential_has_its_values(door, resource_id):
    response = put_credential(door, new_id(), resource_id)
    assert response.status_code == 201
    assert response.json()["credentials"]["BEAR_TOKEN"].startswith("sk_live_")
    assert response.json()["message"] == "The credential is ready to use."


def test_it_is_made_for_its_resource(door, resource_id, credential_id):
    credential = Credential.objects.get()
    assert credential.subject == Resource.objects.get().subject
    assert credential.context == {
        "resource": resource_id,
        "product": "bear",
        "plan": "ursa-minor",
        "region": "all::global",
        "features": {},
    }


def test_the_same_request_again_has_the_same_values(door, resource_id):
    partner_id = new_id()
    first = put_credential(door, partner_id, resource_id)
    again = put_credential(door, partner_id, resource_id)
    assert (again.status_code, again.json()) == (201, first.json())
    assert Credential.objects.count() == 1


def test_several_credentials_of_a_resource_differ(door, resource_id):
    answers = [put_credential(door, new_id(), resource_id).json()["credentials"]["BEAR_TOKEN"] for _ in range(3)]
    assert len(set(answers)) == 3


def test_swap_leaves_the_second_credential(door, resource_id):
    first, second = new_id(), new_id()
    put_credential(door, first, resource_id)
    made = put_credential(door, second, resource_id).json()
    assert door.delete(f"/v1/credentials/{first}").status_code == 204
    assert put_credential(door, second, resource_id).json() == made


def test_the_same_id_for_another_resource_is_a_conflict(door, credential_id):
    other = new_id()
    assert door.put(f"/v1/resources/{other}", order(other)).status_code == 201
    response = put_credential(door, credential_id, other)
    assert response.status_code == 409
    assert "belongs to another resource" in response.json()["message"]


def test_a_deleted_credential_is_gone(door, credential_id):
    response = door.delete(f"/v1/credentials/{credential_id}")
    assert (response.status_code, response.content) == (204, b"")
    assert door.delete(f"/v1/credentials/{credential_id}").status_code == 404
    assert Credential.objects.get().state == Credential.State.REVOKED


def test_a_deleted_credentials_id_is_never_used_again(door, resource_id, credential_id):
    door.delete(f"/v1/credentials/{credential_id}")
    assert put_credential(door, credential_id, resource_id).status_code == 409
    assert Credential.objects.count() == 1


def test_deleting_a_resource_ends_its_credentials(door, resource_id, credential_id):
    put_credential(door, new_id(), resource_id)
    assert door.delete(f"/v1/resources/{resource_id}").status_code == 204
    assert set(Credential.objects.values_list("state", flat=True)) == {"revoked"}
    assert not ResourceCredential.objects.filter(deprovisioned_at=None).exists()
    assert door.delete(f"/v1/credentials/{credential_id}").status_code == 404


@pytest.mark.parametrize("state", [Resource.State.DEPROVISIONED, Resource.State.DEPROVISIONING])
def test_a_removed_resource_has_no_credentials(door, resource_id, credential_id, state):
    Resource.objects.update(state=state)
    for partner_id in (credential_id, new_id()):
        assert put_credential(door, partner_id, resource_id).status_code == 404


def test_an_unknown_resource_is_not_found(door, bear):
    assert put_credential(door, new_id(), new_id()).status_code == 404


def test_another_marketplaces_resource_is_not_found(door, resource_id):
    other, master = Marketplace.objects.create(name="other", connector_url="https://other.example/v1"), signer.Key()
    TrustedKey.objects.create(marketplace=other, label="master", public_key=master.public)
    assert put_credential(signer.Marketplace(door.client, master), new_id(), resource_id).status_code == 404


def test_an_unknown_credential_is_not_found(door):
    assert door.delete(f"/v1/credentials/{new_id()}").status_code == 404


def test_a_suspended_resource_hands_nothing_out(door, resource_id, credential_id):
    Resource.objects.update(state=Resource.State.SUSPENDED)
    for partner_id in (credential_id, new_id()):
        response = put_credential(door, partner_id, resource_id)
        assert response.status_code == 400
        assert "suspended" in response.json()["message"]


def test_after_a_rotation_the_successor_is_handed_out(door, resource_id, credential_id):
    before = put_credential(door, credential_id, resource_id).json()["credentials"]
    rotate(credential=Credential.objects.get(), actor="test")
    after = put_credential(door, credential_id, resource_id).json()["credentials"]
    assert after != before


def test_deleting_a_rotated_credential_ends_its_whole_line(door, credential_id):
    rotate(credential=Credential.objects.get(), actor="test")
    assert door.delete(f"/v1/credentials/{credential_id}").status_code == 204
    assert set(Credential.objects.values_list("state", flat=True)) == {"revoked"}


def test_a_credential_that_an_operator_revoked_is_not_handed_out(door, resource_id, credential_id):
    revoke(credential=Credential.objects.get(), actor="test", reason="leaked")
    response = put_credential(door, credential_id, resource_id)
    assert response.status_code == 409
    assert response.json()["message"] == "This credential has ended. Delete it and create a new one."
    assert door.delete(f"/v1/credentials/{credential_id}").status_code == 204


def test_values_that_a_person_enters_are_not_made_on_request(door, resource_id):
    policy = CredentialPolicy.objects.create(name="by-hand", issuer="static", options={"names": ["TOKEN"]})
    Product.objects.update(policy=policy)
    response = put_credential(door, new_id(), resource_id)
    assert response.status_code == 400
    assert "not made on request" in response.json()["message"]
    assert not Credential.objects.exists()


def test_a_value_name_that_the_marketplace_cannot_take_is_never_sent(door, resource_id):
    CredentialPolicy.objects.update(options={"name": "mysql_url"})
    response = put_credential(door, new_id(), resource_id)
    assert response.status_code == 500
    assert response.json() == {"message": "The provider's set-up of this product is faulty. Ask its support."}
    assert not Credential.objects.exists()

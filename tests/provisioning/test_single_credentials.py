"""Products that support one live credential: the marketplace's strategy "replace"."""

import pytest

from credservice.credentials.models import Credential, CredentialPolicy
from tests.provisioning.conftest import new_id, put_credential


@pytest.fixture
def single(bear):
    CredentialPolicy.objects.update(multiple=False)


def test_a_second_credential_is_a_conflict_until_the_first_is_gone(door, single, resource_id):
    first, second = new_id(), new_id()
    assert put_credential(door, first, resource_id).status_code == 201
    response = put_credential(door, second, resource_id)
    assert response.status_code == 409
    assert response.json()["message"].endswith("Delete that one first.")
    assert door.delete(f"/v1/credentials/{first}").status_code == 204
    assert put_credential(door, second, resource_id).status_code == 201


def test_the_first_is_still_handed_out_again(door, single, resource_id):
    first = new_id()
    made = put_credential(door, first, resource_id).json()
    put_credential(door, new_id(), resource_id)
    assert put_credential(door, first, resource_id).json() == made


def test_a_refused_second_leaves_nothing(door, single, resource_id):
    put_credential(door, new_id(), resource_id)
    put_credential(door, new_id(), resource_id)
    assert Credential.objects.count() == 1


def test_credentials_made_while_several_could_live_count(door, resource_id):
    assert put_credential(door, new_id(), resource_id).status_code == 201
    CredentialPolicy.objects.update(multiple=False)
    assert put_credential(door, new_id(), resource_id).status_code == 409

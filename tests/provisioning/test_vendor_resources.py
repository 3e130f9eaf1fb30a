"""Lists what marketplaces have ordered, by the vendor API."""

import pytest

from credservice.credentials.models import Credential
from provisioning.models import Marketplace, Resource
from tests.provisioning.conftest import new_id, order, put_credential
from tests.vendor_api.client import Vendor, refused


@pytest.fixture
def backend(client, db):
    """The vendor's backend."""
    return Vendor(client)


def test_a_resource_is_read_by_the_marketplaces_id_and_by_ours(backend, resource_id):
    shown = backend.get(f"/resources/{resource_id}").json()
    assert (shown["resource_id"], shown["product"], shown["plan"]) == (resource_id, "bear", "ursa-minor")
    assert backend.get(f"/resources/{shown['id']}").json() == shown
    assert backend.get(f"/resources?state=active&resource_id={resource_id}").json()["items"] == [shown]


def test_a_suspended_resource_gets_no_credentials_and_its_keys_check_as_bad(backend, door, resource_id, credential_id):
    assert backend.post(f"/resources/{resource_id}/suspend", {"why": "unpaid"}).json()["state"] == "suspended"
    assert backend.post(f"/resources/{resource_id}/suspend").status_code == 200
    assert put_credential(door, new_id(), resource_id).status_code >= 400
    assert Credential.objects.get().suspended
    assert backend.post(f"/resources/{resource_id}/resume").json()["state"] == "active"
    assert not Credential.objects.get().suspended


def test_its_suspension_is_in_the_trail(backend, resource_id, trail):
    backend.post(f"/resources/{resource_id}/suspend", {"why": "unpaid"})
    event = trail.one(action="resource.suspended")
    assert (event.actor, event.detail["why"]) == ("token:backend", "unpaid")


def test_a_deprovisioned_one_is_read_and_no_more_suspended(backend, door, resource_id):
    door.delete(f"/v1/resources/{resource_id}")
    assert backend.get(f"/resources/{resource_id}").json()["state"] == "deprovisioned"
    refused(backend.post(f"/resources/{resource_id}/suspend"), 409, "conflict")


def test_an_act_takes_the_resources_tag(backend, resource_id):
    tag = backend.get(f"/resources/{resource_id}")["ETag"]
    assert backend.post(f"/resources/{resource_id}/suspend", If_Match=tag).status_code == 200
    refused(backend.post(f"/resources/{resource_id}/resume", If_Match=tag), 412, "precondition_failed")


def test_an_id_of_two_marketplaces_needs_the_marketplace(backend, resource_id, bear):
    first = Resource.objects.get()
    other = Marketplace.objects.create(name="other", connector_url="https://connector.example/v1")
    Resource.objects.create(
        marketplace=other,
        partner_id=resource_id,
        product=first.product,
        plan=first.plan,
        region=first.region,
        request_fingerprint=b"x",
    )
    refused(backend.get(f"/resources/{resource_id}"), 409, "ambiguous")
    Resource.objects.filter(marketplace=other).update(state="deprovisioned")  # it does not count any more
    assert backend.get(f"/resources/{resource_id}").json()["id"] == str(first.pk)
    assert backend.get(f"/resources/{resource_id}?marketplace=manifold").json()["id"] == str(first.pk)


def test_a_resource_credential_leads_to_its_line(backend, credential_id, resource_id):
    shown = backend.get(f"/resource-credentials/{credential_id}").json()
    assert (shown["resource_id"], shown["state"]) == (resource_id, "active")
    assert backend.get(f"/credentials?line={shown['line']}").json()["items"][0]["id"] == shown["credential"]
    assert backend.get("/resource-credentials").json()["items"] == [shown]


def test_a_credential_may_be_made_for_a_resource(backend, resource_id, policy):
    ours = backend.get(f"/resources/{resource_id}").json()["id"]
    made = backend.post("/credentials", {"policy": policy.name, "subject": f"resource:{ours}"})
    assert (made.status_code, made.json()["context"]["resource"]) == (201, resource_id)


def test_no_credential_is_made_for_a_resource_that_is_gone(backend, door, resource_id, policy):
    ours = backend.get(f"/resources/{resource_id}").json()["id"]
    door.delete(f"/v1/resources/{resource_id}")
    body = {"policy": policy.name, "subject": f"resource:{ours}"}
    refused(backend.post("/credentials", body), 400, "invalid_request")


@pytest.mark.parametrize("path", ["/resources/nothing", "/resource-credentials/nothing", "/resources/%00"])
def test_an_unknown_one_is_not_found(backend, path):
    refused(backend.get(path), 404, "not_found")


def test_the_lists_cost_the_same_queries_however_long(backend, door, bear, django_assert_num_queries):
    for _ in range(3):
        partner_id = new_id()
        door.put(f"/v1/resources/{partner_id}", order(partner_id))
        put_credential(door, new_id(), partner_id)
    for path in ("/resources", "/resource-credentials"):
        with django_assert_num_queries(3):  # token, limit, the page
            assert len(backend.get(path).json()["items"]) == 3

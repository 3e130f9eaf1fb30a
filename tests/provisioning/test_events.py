"""Tells the vendor what a marketplace has done, once each."""

import json

import pytest

from credservice.events.emit import forget_wanted
from credservice.events.models import Event
from tests.events.conftest import make_endpoint
from tests.provisioning.conftest import new_id, order, put_credential


@pytest.fixture(autouse=True)
def _endpoint(db):
    make_endpoint("https://api.example.com/events")
    yield
    forget_wanted()


def told() -> list[str]:
    return list(Event.objects.order_by("created_at").values_list("type", flat=True))


def test_a_resource_is_provisioned_changed_and_deprovisioned_once_each(door, resource_id):
    door.put(f"/v1/resources/{resource_id}", order(resource_id))
    for _ in range(2):
        assert door.patch(f"/v1/resources/{resource_id}", {"plan": "ursa-major"}).status_code == 200
    assert [door.delete(f"/v1/resources/{resource_id}").status_code for _ in range(2)] == [204, 404]
    assert told() == ["resource.provisioned", "resource.changed", "resource.deprovisioned"]
    data = json.loads(Event.objects.get(type="resource.changed").body)["data"]
    assert (data["resource"], data["product"], data["plan"]) == (resource_id, "bear", "ursa-major")


def test_its_credentials_are_told_with_their_resource(door, resource_id):
    put_credential(door, new_id(), resource_id)
    door.delete(f"/v1/resources/{resource_id}")
    assert told() == ["resource.provisioned", "credential.issued", "credential.revoked", "resource.deprovisioned"]
    assert json.loads(Event.objects.get(type="credential.issued").body)["data"]["context"]["resource"] == resource_id

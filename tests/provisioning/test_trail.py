"""Every act and refusal is in the trail: by whom, on what, signed by which live key, and no value."""

import json

import pytest

from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential
from provisioning.models import LiveKey, Resource
from tests.provisioning.conftest import new_id, order, put_credential


def described(line):
    return line.action, line.outcome, line.object_type, line.object_id, line.subject


@pytest.fixture
def live_key(door, resource_id):
    return str(LiveKey.objects.get().pk)


def test_a_provisioned_resource(door, bear, trail):
    resource_id = new_id()
    door.put(f"/v1/resources/{resource_id}", order(resource_id))
    resource, line = Resource.objects.get(), trail.one(action="resource.provisioned")
    assert described(line) == ("resource.provisioned", "done", "resource", str(resource.pk), resource.subject)
    assert line.actor == "marketplace:manifold"
    assert line.source == "127.0.0.1"
    assert line.detail == {
        "live_key": str(LiveKey.objects.get().pk),
        "resource": resource_id,
        "product": "bear",
        "plan": "ursa-minor",
        "region": "all::global",
    }


def test_a_new_credential_is_one_line(door, resource_id, live_key, trail):
    partner_id = new_id()
    put_credential(door, partner_id, resource_id)
    (line,) = trail.all(actor="marketplace:manifold", action__startswith="credential")
    assert described(line)[:3] == ("credential.issued", "done", "credential")
    assert line.subject == Resource.objects.get().subject
    assert line.detail.items() >= {"live_key": live_key, "credential": partner_id, "resource": resource_id}.items()


def test_values_handed_out_again_are_a_line_each(door, resource_id, credential_id, trail):
    for _ in range(2):
        put_credential(door, credential_id, resource_id)
    first, second = trail.all(action="credential.handed_out")
    assert first.outcome == second.outcome == "granted"
    assert first.object_id == str(Credential.objects.get().pk)


def test_a_deleted_credential(door, credential_id, trail):
    door.delete(f"/v1/credentials/{credential_id}")
    actions = [line.action for line in trail.all(actor="marketplace:manifold")]
    assert actions[-2:] == ["credential.revoked", "resource_credential.deprovisioned"]


def test_a_deleted_resource(door, resource_id, credential_id, trail):
    door.delete(f"/v1/resources/{resource_id}")
    actions = [line.action for line in trail.all(actor="marketplace:manifold")]
    assert actions[-2:] == ["credential.revoked", "resource.deprovisioned"]


@pytest.mark.parametrize(
    ("send", "action", "reason"),
    [
        (lambda door: door.delete(f"/v1/resources/{new_id()}"), "resource.delete", "not_found"),
        (lambda door: door.patch("/v1/resources/x", {"plan": "huge"}), "resource.patch", "invalid_request"),
        (lambda door: door.put("/v1/credentials/x", b"{"), "resource_credential.put", "invalid_request"),
        (lambda door: door.get(f"/v1/resources/{new_id()}/measures"), "measures.get", "invalid_request"),
    ],
)
def test_a_refusal(door, trail, send, action, reason):
    send(door)
    line = trail.one(outcome=AuditEvent.Outcome.REFUSED, action=action)
    assert (line.actor, line.reason) == ("marketplace:manifold", reason)


def test_no_line_holds_a_value(door, resource_id, trail):
    partner_id = new_id()
    value = put_credential(door, partner_id, resource_id).json()["credentials"]["BEAR_TOKEN"]
    put_credential(door, partner_id, resource_id)
    door.delete(f"/v1/credentials/{partner_id}")
    lines = json.dumps([line.detail | {"reason": line.reason} for line in trail.all()])
    assert value not in lines


def test_an_act_that_cannot_be_recorded_does_not_happen(door, resource_id, monkeypatch):
    def fail(**_):
        raise RuntimeError

    monkeypatch.setattr("credservice.credentials.transitions.record", fail)
    assert put_credential(door, new_id(), resource_id).status_code == 500
    assert not Credential.objects.exists()

"""Each type of event comes from the act itself."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credservice.core.exceptions import Unavailable
from credservice.credentials import events, transitions
from credservice.credentials.issuer_calls import finish_end, finish_issue
from credservice.credentials.models import Credential
from credservice.credentials.services import confirm_end, revoke, rotate, start_issue
from credservice.credentials.tasks import expire_due
from credservice.events.models import Event
from tests.support.canaries import found_in_text
from tests.support.exchange_factories import make_door


def told(**where) -> list[str]:
    return list(Event.objects.filter(**where).order_by("created_at").values_list("type", flat=True))


def data(type_: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Event.objects.get(type=type_).body)["data"]
    return found


def make(policy, **more):
    return start_issue(policy=policy, context={"external_id": "acme"}, subject="end_user:1", actor="test", **more)


def test_a_credential_that_is_issued_rotated_and_revoked(endpoint, keys):
    first = make(keys)
    second = rotate(credential=first, actor="test", overlap=timedelta(0))
    assert told() == ["credential.issued", "credential.revoked", "credential.leaked", "credential.rotated"]
    assert data("credential.rotated")["predecessor"] == str(first.pk)
    assert data("credential.rotated")["id"] == str(second.pk)
    assert data("credential.issued")["context"] == {"external_id": "acme"}


def test_a_key_that_its_issuer_cannot_end_may_still_work_until_its_end_is_confirmed(endpoint, entered):
    credential = make(entered, entered={"apiKey": "a-key-of-the-vendors-product"})
    revoke(credential=credential, actor="test", reason="it was in a log", leaked=True)
    revoke(credential=credential, actor="test", reason="it was in a log", leaked=True)
    confirm_end(credential=credential, actor="test")
    assert told() == ["credential.issued", "credential.revoked", "credential.leaked", "credential.end_confirmed"]
    leaked_at = Credential.objects.get(pk=credential.pk).leaked_at.isoformat().replace("+00:00", "Z")
    for type_, outside in (("revoked", "leaked"), ("leaked", "leaked"), ("end_confirmed", "confirmed")):
        about = data(f"credential.{type_}")
        assert (about["state"], about["outside"], about["leaked_at"]) == ("revoked", outside, leaked_at)


def test_one_that_leaks_after_its_end_is_told_once(endpoint, entered):
    credential = make(entered, entered={"apiKey": "a-key-of-the-vendors-product"})
    revoke(credential=credential, actor="test", reason="the customer left")
    assert (data("credential.revoked")["outside"], data("credential.revoked")["leaked_at"]) == ("open", None)
    for _ in range(2):
        revoke(credential=credential, actor="test", reason="it was in a log", leaked=True)
    assert told() == ["credential.issued", "credential.revoked", "credential.leaked"]
    assert data("credential.leaked")["outside"] == "leaked"


def test_an_active_one_that_leaks_is_told_before_its_successor_comes(endpoint, active, outside):
    outside.fault("before-issue", "down")
    rotate(credential=active, actor="test", overlap=timedelta(0))
    about = data("credential.leaked")
    assert (about["id"], about["state"], about["outside"]) == (str(active.pk), "active", "")
    outside.heal("before-issue")
    successor = Credential.objects.get(predecessor=active)
    finish_issue(successor, actor="test", insist=True)
    finish_end(active, actor="test", insist=True)
    assert told(type="credential.leaked") == ["credential.leaked"]
    about = data("credential.revoked")
    assert (about["id"], about["outside"], bool(about["leaked_at"])) == (str(active.pk), "", True)


def test_an_active_one_that_leaks_with_another_is_told(endpoint, entered):
    entered.options = {"names": ["user", "password"]}
    entered.save()
    old = make(entered, entered={"user": "acme", "password": "the-same-password-of-both"})
    new = rotate(credential=old, actor="test", entered={"user": "acme2", "password": "the-same-password-of-both"})
    revoke(credential=old, actor="test", reason="it was in a log", leaked=True)
    bodies = [json.loads(event.body)["data"] for event in Event.objects.filter(type="credential.leaked")]
    assert {each["id"]: each["state"] for each in bodies} == {str(old.pk): "revoked", str(new.pk): "active"}


def test_one_that_expires(endpoint, keys):
    credential = make(keys)
    Credential.objects.filter(pk=credential.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    expire_due()
    assert told() == ["credential.issued", "credential.expired"]


def test_a_failing_issue_is_told_once_and_then_that_it_recovered(endpoint, pending, outside):
    outside.fault("before-issue", "down")
    for _ in range(3):
        with pytest.raises(Unavailable):
            finish_issue(pending, actor="test", insist=True)
    outside.heal("before-issue")
    finish_issue(pending, actor="test", insist=True)
    assert told() == ["credential.issue_failed", "credential.issued", "credential.issue_recovered"]


def test_an_issue_that_can_never_succeed_is_final(endpoint, pending, outside):
    outside.fault("before-issue", "refuse")
    finish_issue(pending, actor="test")
    assert data("credential.issue_failed")["final"] is True


def test_a_revocation_that_is_stuck_is_told_once(endpoint, active, outside):
    revoke(credential=active, actor="test", reason="test")
    outside.fault("before-revoke", "down")
    for _ in range(7):
        with pytest.raises(Unavailable):
            finish_end(active, actor="test", insist=True)
    assert told(type__startswith="credential.rev") == ["credential.revocation_stuck"]


@pytest.mark.parametrize(
    ("lived", "left", "rotates", "expected"),
    [(100, 3, None, 1), (100, 30, None, 0), (5, 3, None, 0), (100, 3, 1, 0), (100, 3, 9, 1)],
)
def test_what_expires_soon_and_is_not_renewed_is_told_once(endpoint, keys, lived, left, rotates, expected):
    credential, now = make(keys), timezone.now()
    Credential.objects.filter(pk=credential.pk).update(
        activated_at=now - timedelta(days=lived),
        expires_at=now + timedelta(days=left),
        rotates_at=rotates and now + timedelta(days=rotates),
    )
    events.tell_expiring()
    events.tell_expiring()
    assert told(type="credential.expiring") == ["credential.expiring"] * expected


def test_an_installation_that_is_discovered_waits_and_is_approved(endpoint, client):
    door = make_door(client)
    door.grant()
    door.post({"integrationId": "int_abc123", "installationId": "install_new", "endUserId": "enduser_456def"})
    assert told(object_type="installation") == ["installation.discovered", "installation.waiting_for_approval"]
    about = data("installation.discovered")
    assert (about["installation"], about["external_id"], about["state"]) == ("install_new", "customer-1", "pending")
    assert about["links"]["console"].endswith(f"/admin/exchange/installation/{about['id']}/change/")


def test_no_event_holds_a_value(endpoint, client):
    door = make_door(client)
    credential = door.grant("canary-of-the-events-0123456789")
    rotate(credential=credential, actor="test", entered={"apiKey": "canary-of-the-events-9876543210"})
    transitions.fail(start_issue_pending(door), "no", "test")
    secrets = {"first": "canary-of-the-events-0123456789", "second": "canary-of-the-events-9876543210"}
    bodies = " ".join(Event.objects.values_list("body", flat=True))
    assert "credential.rotated" in bodies
    assert found_in_text(secrets, bodies) == []


def start_issue_pending(door) -> Credential:
    policy = door.generate()
    return Credential.objects.create(policy=policy, line="00000000-0000-0000-0000-000000000001")

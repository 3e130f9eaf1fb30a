"""Records and makes what a first exchange does: once, however many ask at the same moment."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from credservice.credentials.models import Credential
from exchange.models import Grant, Installation, Integration
from tests.conftest import DoorClient
from tests.support.concurrency import at_once
from tests.support.exchange_factories import IDS, make_door
from tests.support.issuers import LocalIssuer, RemoteIssuer

CALLERS = 20
NEW = IDS | {"installationId": "install_new"}
# PostgreSQL's now() is that of the beginning of the test, which may be seconds ago.
AGO = timedelta(minutes=2)


@pytest.fixture
def issuer(settings, monkeypatch):
    """An issuer with an outside, by the alias of the door's policy."""
    monkeypatch.setattr(RemoteIssuer, "calls", [])
    monkeypatch.setattr(RemoteIssuer, "state", "up")
    backend = {"BACKEND": "tests.support.issuers.RemoteIssuer", "OPTIONS": {"seconds": 0.1}}
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {"remote": backend}
    return RemoteIssuer


def use_remote(door):
    policy = door.generate()
    policy.issuer, policy.options = "remote", {}
    policy.save()


def test_a_new_installation_waits_for_approval(door, granted, trail):
    response = door.post(NEW)
    assert (response.status_code, response.json()["code"]) == (403, "waiting_for_approval")
    installation = Installation.objects.get(installation_id="install_new")
    assert (installation.state, installation.end_user) == ("pending", door.end_user)
    assert trail.one(action="installation.first_seen").object_id == str(installation.pk)


def test_a_new_installation_is_recorded_once(door, granted, trail):
    assert [door.post(NEW).status_code for _ in range(3)] == [403, 403, 403]
    assert len(trail.all(action="installation.first_seen")) == 1


def test_an_approved_installation_is_answered(door, granted):
    door.post(NEW)
    Installation.objects.update(state="active")
    assert door.post(NEW).status_code == 200


def test_a_new_installation_is_answered_at_once_where_the_platform_says_so(door, granted, trail):
    door.configure(approve_installations=True)
    assert door.post(NEW).status_code == 200
    assert trail.one(action="installation.first_seen").detail["state"] == "active"


def test_a_new_installation_of_a_suspended_end_user_is_not_recorded(door, granted):
    door.end_user.is_active = False
    door.end_user.save()
    assert (door.post(NEW).status_code, Installation.objects.count()) == (403, 1)


def test_a_generated_credential_is_made_at_the_first_exchange(door, trail):
    door.generate()
    first = door.post()
    assert (first.status_code, first.json()) == (200, door.post().json())
    assert first.json()["apiKey"].startswith("sk_live_")
    assert Credential.objects.get().subject == door.end_user.subject
    actions = [event.action for event in trail.all()]
    assert actions == ["credential.issued", "grant.created", "exchange.credential", "exchange.credential"]


def test_an_issuer_outside_is_asked_once_and_then_never(door, issuer):
    use_remote(door)
    assert door.post().json() == door.post().json()
    assert len(issuer.calls) == 1


def test_an_issuer_that_is_down_is_503_with_a_time_to_wait(door, issuer, monkeypatch):
    use_remote(door)
    monkeypatch.setattr(issuer, "state", "down")
    response = door.post()
    assert (response.status_code, response.json()["code"], response["Retry-After"]) == (503, "unavailable", "17")
    assert Credential.objects.get().state == "pending"


def test_an_issuer_that_comes_back_makes_the_same_credential(door, issuer, monkeypatch):
    use_remote(door)
    monkeypatch.setattr(issuer, "state", "down")
    door.post()
    monkeypatch.setattr(issuer, "state", "up")
    Credential.objects.update(next_attempt_at=None)  # the pause after a failed attempt is over
    assert door.post().status_code == 200
    assert issuer.calls == [str(Credential.objects.get().pk)] * 2


def test_an_issuer_that_refuses_is_404(door, issuer, monkeypatch, trail):
    use_remote(door)
    monkeypatch.setattr(issuer, "state", "refusing")
    assert [door.post().json()["code"] for _ in range(2)] == ["nothing_granted"] * 2
    assert len(issuer.calls) == 1
    assert trail.all(outcome="refused")[-1].reason == "credential_failed"


def test_a_credential_that_is_due_gets_a_successor_first(door, issuer):
    use_remote(door)
    first = door.post().json()
    Credential.objects.update(refresh_at=timezone.now() - AGO)
    assert door.post().json() == door.post().json() != first
    assert len(issuer.calls) == 2


def test_a_credential_that_is_due_serves_while_its_issuer_is_down(door, issuer, monkeypatch, trail):
    use_remote(door)
    first = door.post().json()
    Credential.objects.update(refresh_at=timezone.now() - AGO)
    monkeypatch.setattr(issuer, "state", "down")
    assert door.post().json() == first
    assert [event.detail.get("stale") for event in trail.all(outcome="granted")] == [None, True]


def test_a_refusal_after_a_stale_credential_was_found_says_so(door, issuer, monkeypatch, trail):
    use_remote(door)
    door.post()
    Credential.objects.update(refresh_at=timezone.now() - AGO)
    Integration.objects.update(response_shape={"tenant": "$end_user.tenant"})
    monkeypatch.setattr(issuer, "state", "down")
    assert door.post().json()["code"] == "incomplete_answer"
    event = trail.one(outcome="refused")
    assert (event.actor, event.detail["stale"]) == ("platform:mindcloud", True)
    assert event.detail["end_user"] == IDS["endUserId"]


def test_a_stale_credential_serves_no_longer_than_its_policy_allows(door, issuer, monkeypatch):
    use_remote(door)
    door.post()
    Credential.objects.update(refresh_at=timezone.now() - timedelta(hours=1))
    monkeypatch.setattr(issuer, "state", "down")
    assert door.post().status_code == 503


def test_a_suspended_credential_is_403(door, granted):
    Credential.objects.update(suspended=True)
    assert (door.post().status_code, door.post().json()["code"]) == (403, "suspended")


@pytest.mark.parametrize(("state", "status"), [("down", 503), ("refusing", 404)])
def test_a_local_issuer_that_cannot_leaves_nothing_behind(door, issuer, settings, monkeypatch, state, status):
    path = f"{LocalIssuer.__module__}.{LocalIssuer.__qualname__}"
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {"remote": {"BACKEND": path}}
    monkeypatch.setattr(issuer, "state", state)
    use_remote(door)
    assert (door.post().status_code, Credential.objects.count(), Grant.objects.count()) == (status, 0, 0)


def test_an_issuer_that_settings_no_longer_name_is_503(door):
    policy = door.generate()
    policy.issuer = "gone"
    policy.save()
    assert door.post().status_code == 503


def answers_at_once(door, body=IDS, **options):
    """The answers of twenty callers who ask at the same moment, each with a connection of its own."""

    def call(_):
        caller = replace(door, client=DoorClient(raise_request_exception=False))
        response = caller.post(body, **options)
        return response.status_code, response.content

    return at_once(call, CALLERS)


@pytest.fixture
def real_door(transactional_db, client):
    return make_door(client)


def test_twenty_first_exchanges_make_one_credential(real_door):
    real_door.generate()
    answers = answers_at_once(real_door)
    assert {status for status, _ in answers} == {200}
    assert len(set(answers)) == Credential.objects.count() == Grant.objects.count() == 1


def test_twenty_first_exchanges_ask_an_issuer_outside_once(real_door, issuer):
    use_remote(real_door)
    answers = answers_at_once(real_door)
    assert {status for status, _ in answers} == {200}
    assert len(set(answers)) == len(issuer.calls) == Credential.objects.count() == 1


def test_twenty_first_sights_record_one_installation(real_door, transactional_db):
    real_door.grant()
    assert {status for status, _ in answers_at_once(real_door, NEW)} == {403}
    assert Installation.objects.filter(installation_id="install_new").count() == 1


def test_twenty_first_sights_are_answered_where_the_platform_approves(real_door):
    real_door.generate()
    real_door.configure(approve_installations=True)
    answers = answers_at_once(real_door, NEW)
    assert {status for status, _ in answers} == {200}
    assert len(set(answers)) == Credential.objects.count() == 1


def test_twenty_requests_after_an_expiry_make_one_successor(real_door):
    real_door.generate()
    real_door.post()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credentials_credential SET expires_at = now() - interval '1 second'")
    answers = answers_at_once(real_door)
    assert {status for status, _ in answers} == {200}
    assert len(set(answers)) == 1
    assert Credential.objects.count() == 2


def test_one_use_of_a_single_use_signature_wins(real_door):
    real_door.grant()
    real_door.configure(single_use_signatures=True)
    answers = answers_at_once(real_door, headers=real_door.signed())
    assert sorted(status for status, _ in answers) == [200] + [401] * (CALLERS - 1)

"""Chooses the credential that is handed out."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from credservice.credentials.models import Credential
from credservice.credentials.services import revoke, rotate
from exchange.models import EndUser, Grant, Installation
from exchange.services.grants import grant_credential, withdraw_grant
from tests.support.exchange_factories import IDS


def ask(door, **over):
    return door.post(IDS | over).json()


def second_installation(door):
    return Installation.objects.create(
        platform=door.platform, integration=door.integration, end_user=door.end_user, installation_id="install_2"
    )


def test_the_grant_of_an_installation_comes_first(door, granted):
    second_installation(door)
    door.grant("narrower", installation=door.installation)
    assert ask(door) == {"apiKey": "narrower"}
    assert ask(door, installationId="install_2") != {"apiKey": "narrower"}


def test_an_ended_narrower_grant_does_not_fall_back(door, granted):
    narrower = door.grant("narrower", installation=door.installation)
    revoke(credential=narrower, actor="test", reason="leaked")
    assert ask(door)["code"] == "nothing_granted"


def test_a_grant_of_another_end_user_is_not_found(door):
    other = EndUser.objects.create(platform=door.platform, end_user_id="enduser_other")
    door.grant()
    Grant.objects.update(end_user=other)
    assert ask(door)["code"] == "nothing_granted"


def test_a_rotation_hands_out_the_successor_at_once(door, granted):
    rotate(credential=granted, actor="test", entered={"apiKey": "successor"})
    assert ask(door) == {"apiKey": "successor"}


def test_a_rotation_without_overlap_hands_out_the_successor(door, granted):
    rotate(credential=granted, actor="test", entered={"apiKey": "successor"}, overlap=timedelta(0))
    assert ask(door) == {"apiKey": "successor"}


def test_a_retiring_credential_serves_where_none_is_active(door, granted):
    successor = rotate(credential=granted, actor="test", entered={"apiKey": "successor"})
    revoke(credential=successor, actor="test", reason="bad")
    assert ask(door)["apiKey"] != "successor"


def test_a_retiring_credential_serves_no_longer_than_its_end(door, granted):
    successor = rotate(credential=granted, actor="test", entered={"apiKey": "successor"})
    revoke(credential=successor, actor="test", reason="bad")
    Credential.objects.filter(pk=granted.pk).update(retires_at=timezone.now() - timedelta(minutes=2))
    assert ask(door)["code"] == "nothing_granted"


def test_an_expired_entered_credential_is_not_handed_out(door, granted, trail):
    Credential.objects.update(expires_at=timezone.now() - timedelta(minutes=2))
    assert ask(door)["code"] == "nothing_granted"
    assert trail.one(outcome="refused").reason == "credential_expired"


def test_an_expired_generated_credential_gets_one_successor(door):
    door.generate()
    first = ask(door)
    Credential.objects.update(expires_at=timezone.now() - timedelta(minutes=2))
    second = ask(door)
    assert second["apiKey"] not in ("", first["apiKey"])
    assert ask(door) == second
    assert Credential.objects.filter(state="active").get().predecessor is not None


def test_a_generated_credential_that_was_marked_expired_gets_a_successor(door):
    door.generate()
    first = ask(door)
    Credential.objects.update(state="expired", ended_at=timezone.now())
    assert ask(door)["apiKey"] != first["apiKey"]


def test_a_revoked_generated_credential_stays_revoked(door):
    door.generate()
    ask(door)
    revoke(credential=Credential.objects.get(), actor="test", reason="leaked")
    assert ask(door)["code"] == "nothing_granted"
    assert Credential.objects.count() == 1


def test_a_grant_without_any_credential_is_nothing(door, trail):
    Grant.objects.create(integration=door.integration, end_user=door.end_user, line=door.end_user.pk)
    assert ask(door)["code"] == "nothing_granted"
    assert trail.one(outcome="refused").reason == "empty_line"


def test_a_grant_of_parties_that_do_not_belong_together_is_not_saved(door, granted):
    other = EndUser.objects.create(platform=door.platform, end_user_id="enduser_other")
    grant = Grant(integration=door.integration, end_user=other, installation=door.installation, line=granted.line)
    with pytest.raises(ValidationError, match="another integration or end user"):
        grant.full_clean()


@pytest.mark.parametrize("attributes", [[], "text", {"a": {"b": 1}}, {"a": [1]}])
def test_attributes_that_no_flat_answer_can_hold_are_not_saved(door, attributes):
    door.end_user.attributes = attributes
    with pytest.raises(ValidationError):
        door.end_user.full_clean()


def test_a_credential_granted_to_a_suspended_end_user_is_no_good_until_they_are_resumed(door):
    door.end_user.is_active = False
    door.end_user.save()
    _, credential = grant_credential(
        integration=door.integration, end_user=door.end_user, installation=None, entered={"apiKey": "x" * 20}, actor="t"
    )
    assert credential.suspended


def test_a_grant_that_was_given_another_line_meanwhile_is_withdrawn_with_that_one(granted):
    as_read = Grant.objects.get()
    revoke(credential=granted, actor="test", reason="test")
    parties = {"integration": as_read.integration, "end_user": as_read.end_user, "installation": None}
    _, another = grant_credential(**parties, entered={"apiKey": "another value, long enough"}, actor="test")
    withdraw_grant(grant=as_read, actor="test", reason="over")
    another.refresh_from_db()
    assert (another.state, Grant.objects.exists()) == ("revoked", False)

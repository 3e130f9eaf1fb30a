"""Credentials of issuers without an outside: issued, rotated, revoked and revealed in one step each."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid
from credservice.credentials.models import Credential
from credservice.credentials.services import reveal, revoke, rotate
from tests.support.concurrency import at_once

ACTOR = "user:ann"
HOUR = timedelta(hours=1)


def test_a_generated_credential_is_active_at_once(keys_policy, issue):
    credential = issue(keys_policy)
    assert (credential.state, credential.line, credential.is_usable()) == ("active", credential.pk, True)
    assert credential.open()["API_KEY"].startswith("sk_live_")


def test_an_entered_credential_holds_what_was_entered(static_policy, issue):
    credential = issue(static_policy, entered={"apiKey": "the vendor's key"})
    assert Credential.objects.get(pk=credential.pk).open() == {"apiKey": "the vendor's key"}


@pytest.mark.parametrize("entered", [None, {}, {"apiKey": ""}, {"apiKey": "x", "other": "y"}, {"apiKey": "\ud800"}])
def test_values_that_do_not_fit_are_refused_and_nothing_is_kept(static_policy, issue, entered):
    with pytest.raises(Invalid, match="policy 'entered'"):
        issue(static_policy, entered=entered)
    assert not Credential.objects.exists()


def test_a_policy_that_generates_takes_no_values(keys_policy, issue):
    with pytest.raises(Invalid, match="takes no values"):
        issue(keys_policy, entered={"API_KEY": "mine"})


def test_issuing_leaves_a_line_without_the_value(keys_policy, issue, trail):
    credential = issue(keys_policy)
    event = trail.one(action="credential.issued")
    assert (event.actor, event.object_id, event.subject) == (ACTOR, str(credential.pk), "end_user:1")
    assert credential.open()["API_KEY"] not in str(vars(event))


@pytest.mark.django_db(transaction=True)
def test_an_issue_is_rolled_back_with_its_line(keys_policy, issue, trail):
    with transaction.atomic():
        issue(keys_policy)
        transaction.set_rollback(True)
    assert not Credential.objects.exists()
    assert trail.all() == []


def test_it_expires_after_the_policys_lifetime(keys_policy, issue):
    keys_policy.lifetime, keys_policy.overlap = HOUR, HOUR / 2
    keys_policy.save()
    credential = issue(keys_policy)
    with time_machine.travel(timezone.now() + HOUR - timedelta(seconds=10)):
        assert credential.is_usable()
    with time_machine.travel(timezone.now() + HOUR):
        assert not credential.is_usable()


@pytest.mark.parametrize("state", ["pending", "revoked", "failed", "expired"])
def test_only_the_living_are_usable(keys_policy, issue, state):
    credential = issue(keys_policy)
    credential.state = state
    assert not credential.is_usable()


def test_a_rotation_makes_a_successor_in_the_same_line(keys_policy, issue, trail):
    first = issue(keys_policy)
    second = rotate(credential=first, actor=ACTOR)
    first.refresh_from_db()
    assert (first.state, second.state, second.predecessor, second.line) == ("retiring", "active", first, first.line)
    assert first.open() != second.open()
    assert [event.action for event in trail.all(object_id=str(first.pk))] == [
        "credential.issued",
        "credential.retiring",
    ]


def test_the_predecessor_is_good_for_the_overlap(keys_policy, issue):
    first = issue(keys_policy)
    rotate(credential=first, actor=ACTOR, overlap=HOUR)
    first.refresh_from_db()
    assert first.is_usable()
    with time_machine.travel(timezone.now() + HOUR):
        assert not first.is_usable()


def test_an_overlap_does_not_outlast_the_expiry(keys_policy, issue):
    keys_policy.lifetime, keys_policy.overlap = HOUR, HOUR / 2
    keys_policy.save()
    first = issue(keys_policy)
    rotate(credential=first, actor=ACTOR, overlap=10 * HOUR)
    first.refresh_from_db()
    assert first.retires_at == first.expires_at


def test_leaked_means_no_overlap(keys_policy, issue):
    first = issue(keys_policy)
    second = rotate(credential=first, actor=ACTOR, overlap=timedelta(0))
    first.refresh_from_db()
    assert (first.state, first.is_usable(), second.state) == ("revoked", False, "active")


def test_entered_values_are_rotated_by_entering_others(static_policy, issue):
    first = issue(static_policy, entered={"apiKey": "one"})
    with pytest.raises(Invalid):
        rotate(credential=first, actor=ACTOR)
    first.refresh_from_db()
    assert first.state == "active"
    assert rotate(credential=first, actor=ACTOR, entered={"apiKey": "two"}).open() == {"apiKey": "two"}


@pytest.mark.parametrize("state", ["retiring", "revoked", "failed", "expired", "pending"])
def test_only_the_active_one_is_rotated(keys_policy, issue, state):
    credential = issue(keys_policy)
    Credential.objects.update(state=state, retires_at=timezone.now())
    with pytest.raises(Conflict, match=f"Only an active credential can be rotated; this one is {state}"):
        rotate(credential=credential, actor=ACTOR)


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_make_one_successor(keys_policy, issue):
    first = issue(keys_policy)
    results = at_once(lambda _: rotate(credential=first, actor=ACTOR), 8)
    made = [result for result in results if isinstance(result, Credential)]
    assert len(made) == 1
    assert all(isinstance(result, Conflict) for result in results if result not in made)
    assert Credential.objects.filter(line=first.line, state="active").count() == 1


def test_a_revoked_credential_is_no_good(keys_policy, issue, trail):
    credential = revoke(credential=issue(keys_policy), actor=ACTOR, reason="customer left")
    assert (credential.state, credential.is_usable()) == ("revoked", False)
    assert credential.ended_at is not None
    assert trail.one(action="credential.revoked").detail["why"] == "customer left"


def test_revoking_twice_leaves_one_line(keys_policy, issue, trail):
    credential = issue(keys_policy)
    ended = [revoke(credential=credential, actor=ACTOR, reason="again").ended_at for _ in range(2)]
    assert ended[0] == ended[1]
    assert len(trail.all(action="credential.revoked")) == 1


def test_revealing_says_the_values_and_leaves_a_line(keys_policy, issue, trail):
    credential = issue(keys_policy)
    assert reveal(credential=credential, actor=ACTOR, reason="lost") == credential.open()
    assert trail.one(action="credential.revealed").detail["why"] == "lost"


@pytest.mark.parametrize("reason", ["", "   ", "ab"])
def test_revealing_needs_a_reason(keys_policy, issue, trail, reason):
    with pytest.raises(Invalid, match="Say why"):
        reveal(credential=issue(keys_policy), actor=ACTOR, reason=reason)
    assert trail.all(action="credential.revealed") == []

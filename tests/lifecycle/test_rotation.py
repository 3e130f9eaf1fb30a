"""Rotation: the successor first, the predecessor for the overlap, and not beyond its own expiry."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.core.exceptions import Conflict, Unavailable
from credservice.credentials import tasks
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import finish_end, finish_issue, revoke, rotate, start_issue


def test_the_predecessor_stays_until_the_successor_is_there(active, outside):
    outside.fault("before-issue", "down")
    successor = rotate(credential=active, actor="test")
    with pytest.raises(Unavailable):
        finish_issue(successor, actor="test")
    active.refresh_from_db()
    assert active.state == "active"


def test_then_it_retires_for_the_overlap(active, jobs):
    finish_issue(rotate(credential=active, actor="test", overlap=timedelta(hours=2)), actor="test")
    active.refresh_from_db()
    assert active.state == "retiring"
    assert timedelta(hours=1, minutes=59) < active.retires_at - timezone.now() <= timedelta(hours=2)
    assert ("credentials.end", str(active.pk)) in jobs()


def test_the_overlap_never_outlives_the_predecessors_expiry(active):
    Credential.objects.filter(pk=active.pk).update(expires_at=timezone.now() + timedelta(minutes=5))
    finish_issue(rotate(credential=active, actor="test", overlap=timedelta(hours=2)), actor="test")
    active.refresh_from_db()
    assert active.retires_at == active.expires_at


def test_a_leaked_one_ends_with_its_successors_arrival(active, outside):
    finish_issue(rotate(credential=active, actor="test", overlap=timedelta(0)), actor="test")
    active.refresh_from_db()
    assert active.is_ending()
    assert not active.is_usable()


def test_a_second_rotation_is_refused_while_one_is_pending(active):
    rotate(credential=active, actor="test")
    with pytest.raises(Conflict, match="has been pending since"):
        rotate(credential=active, actor="test")


def test_a_forced_one_abandons_the_pending_one_and_ends_it_outside(active, outside, trail):
    abandoned = rotate(credential=active, actor="test")
    successor = rotate(credential=active, actor="test", force_reason="the first one hangs")
    abandoned.refresh_from_db()
    assert abandoned.is_ending()
    assert trail.one(action="credential.revoking").detail["why"] == "the first one hangs"
    assert finish_issue(successor, actor="test").state == "active"


@pytest.mark.parametrize("state", ["retiring", "revoked", "failed", "expired", "pending"])
def test_only_an_active_one_can_be_rotated(active, state):
    Credential.objects.filter(pk=active.pk).update(state=state, retires_at=timezone.now())
    with pytest.raises(Conflict, match="Only an active credential"):
        rotate(credential=active, actor="test")


def test_where_only_one_may_live_the_old_one_ends_before_the_new_one_is_made(outside, db):
    policy = CredentialPolicy.objects.create(name="one", issuer="one_only")
    first = finish_issue(start_issue(policy=policy, context={}, subject="", actor="test"), actor="test")
    outside.fault("before-issue", "down")
    successor = rotate(credential=first, actor="test")
    with pytest.raises(Unavailable):
        finish_issue(successor, actor="test")
    assert outside.live() == set()
    outside.heal("before-issue")
    finish_issue(successor, actor="test", insist=True)
    assert outside.live() == {str(successor.pk)}


def test_where_only_one_may_live_and_the_old_one_cannot_be_ended_no_new_one_is_made(outside, db):
    policy = CredentialPolicy.objects.create(name="one", issuer="folder", multiple=False)
    first = finish_issue(start_issue(policy=policy, context={}, subject="", actor="test"), actor="test")
    outside.fault("before-revoke", "down")
    with pytest.raises(Unavailable):
        finish_issue(rotate(credential=first, actor="test"), actor="test")
    assert outside.live() == {str(first.pk)}


def test_a_predecessor_revoked_meanwhile_stays_revoked(active):
    successor = rotate(credential=active, actor="test")
    finish_end(revoke(credential=active, actor="test", reason="leaked"), actor="test")
    finish_issue(successor, actor="test")
    active.refresh_from_db()
    assert active.state == "revoked"


def test_the_schedule_rotates_what_is_old_enough(policy, outside):
    policy.rotation_period = timedelta(days=30)
    policy.save()
    credential = finish_issue(start_issue(policy=policy, context={}, subject="", actor="test"), actor="test")
    assert timedelta(days=26) < credential.rotates_at - timezone.now() <= timedelta(days=30)
    Credential.objects.filter(pk=credential.pk).update(rotates_at=timezone.now())
    tasks.sweep(0)
    assert Credential.objects.get(predecessor=credential).state == "pending"


def test_the_schedule_leaves_entered_values_alone(db):
    policy = CredentialPolicy.objects.create(
        name="entered", issuer="static", options={"names": ["apiKey"]}, rotation_period=timedelta(days=30)
    )  # as one could be saved once
    credential = start_issue(policy=policy, context={}, subject="", actor="test", entered={"apiKey": "sk_1"})
    assert credential.rotates_at is None
    Credential.objects.filter(pk=credential.pk).update(rotates_at=timezone.now())
    tasks.sweep(0)
    credential.refresh_from_db()
    assert (credential.state, credential.rotates_at) == ("active", None)  # due no more: it would be so for ever


def test_what_was_made_together_is_not_rotated_together(policy, outside):
    policy.rotation_period = timedelta(days=30)
    policy.save()
    made = [
        finish_issue(start_issue(policy=policy, context={}, subject="", actor="test"), actor="test") for _ in range(5)
    ]
    times = sorted(credential.rotates_at for credential in made)
    assert times[-1] - times[0] > timedelta(minutes=1)

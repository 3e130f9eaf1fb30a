"""Issuing through an issuer outside of this process."""

import pytest

from credservice.core.exceptions import Unavailable
from credservice.credentials import tasks
from credservice.credentials.models import Credential
from credservice.credentials.services import finish_issue, revoke, start_issue
from tests.support.concurrency import at_once


def test_the_intent_is_a_pending_row_with_its_job(pending, jobs, outside):
    assert pending.state == "pending"
    assert ("credentials.finish_issue", str(pending.pk)) in jobs()
    assert outside.calls("issue") == []


def test_the_outcome_is_sealed_and_in_the_trail(pending, trail):
    done = finish_issue(pending, actor="test")
    assert (done.state, done.open()) == ("active", {"PASSWORD": f"password-of-{done.pk}"})
    assert trail.one(action="credential.issued").object_id == str(done.pk)


def test_it_stays_pending_while_the_issuer_is_down(pending, outside):
    outside.fault("before-issue", "down")
    with pytest.raises(Unavailable):
        finish_issue(pending, actor="test")
    pending.refresh_from_db()
    assert (pending.state, pending.attempts, pending.failure) == ("pending", 1, "the outside is down")


def test_during_the_pause_the_issuer_is_left_alone(pending, outside):
    outside.fault("before-issue", "down")
    for _ in range(3):
        with pytest.raises(Unavailable) as refusal:
            finish_issue(pending, actor="test")
    assert len(outside.calls("issue")) == 1
    assert refusal.value.retry_after >= 1


def test_whoever_insists_tries_during_the_pause(pending, outside):
    outside.fault("before-issue", "down")
    with pytest.raises(Unavailable):
        finish_issue(pending, actor="test")
    outside.heal("before-issue")
    assert finish_issue(pending, actor="test", insist=True).state == "active"


def test_a_refusal_is_final_and_says_why(pending, outside, trail):
    outside.fault("before-issue", "refuse")
    done = finish_issue(pending, actor="test")
    assert (done.state, done.failure) == ("failed", "the outside refuses")
    assert trail.one(action="credential.issue", outcome="failed").detail["why"] == "the outside refuses"


def test_values_that_the_policy_does_not_name_are_not_kept_and_end_outside(policy, outside, trail):
    policy.options = {"promises": "URL"}
    policy.save()
    made = finish_issue(start_issue(policy=policy, context={}, subject="", actor="test"), actor="test")
    assert trail.one(action="credential.revoking").detail["why"] == (
        "the issuer made the values PASSWORD where the policy names URL"
    )
    tasks.end(str(made.pk))
    assert outside.live() == set()


def test_an_issuer_that_breaks_is_asked_again_and_its_words_are_kept_back(pending, outside):
    outside.fault("before-issue", "break")
    with pytest.raises(Unavailable) as refusal:
        finish_issue(pending, actor="test")
    pending.refresh_from_db()
    assert pending.failure == "the issuer broke with RuntimeError; the log has more"
    assert "canary" not in refusal.value.message


def test_one_that_fails_its_probe_is_not_handed_out_and_ends_outside(policy, outside):
    policy.probe = {"type": "http", "url": "http://127.0.0.1:9/", "header": "X: {PASSWORD}"}
    policy.save()
    credential = start_issue(policy=policy, context={}, subject="", actor="test")
    for _ in range(4):
        with pytest.raises(Unavailable):
            finish_issue(credential, actor="test", insist=True)
    assert finish_issue(credential, actor="test", insist=True).is_ending()
    tasks.end(str(credential.pk))
    assert outside.live() == set()


@pytest.mark.django_db(transaction=True)
def test_twenty_callers_at_once_make_one_credential(pending, outside):
    outside.fault("before-issue", "slow")
    results = at_once(lambda _: finish_issue(Credential.objects.get(pk=pending.pk), actor="test"), 20)
    assert {result.state for result in results} == {"active"}
    assert outside.calls("issue") == [str(pending.pk)]


def test_a_pending_one_that_is_revoked_is_ended_outside_too(pending, outside, jobs):
    (outside.folder / "live" / str(pending.pk)).touch()  # made outside, and then we were killed
    ended = revoke(credential=pending, actor="test", reason="not wanted")
    assert ended.is_ending()
    assert ("credentials.end", str(pending.pk)) in jobs()

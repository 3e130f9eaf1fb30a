"""A leak is on record from the moment that it is reported, whatever its issuer does."""

from datetime import timedelta

import pytest
from django.core.management import call_command

from credservice.core.exceptions import Unavailable
from credservice.credentials import tasks
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.rotation_impact import preview_rotation
from credservice.credentials.services import finish_issue, force_end, revoke, rotate, start_issue

ACTOR, NONE = "user:olga", timedelta(0)


@pytest.fixture
def waiting(active, outside, trail):
    """One that has leaked, whose issuer is down: its successor is pending."""
    outside.fault("before-issue", "down")
    successor = rotate(credential=active, actor=ACTOR, overlap=NONE)
    with pytest.raises(Unavailable):
        finish_issue(successor, actor=ACTOR)
    return Credential.objects.get(pk=active.pk)


def anew(credential):
    return Credential.objects.select_related("policy").get(pk=credential.pk)


def test_it_is_recorded_before_the_successor_comes(waiting, trail):
    assert (waiting.state, waiting.leaked_by, waiting.state_word()) == ("active", ACTOR, "leaked, active")
    line = trail.one(action="credential.leak_noted", object_id=str(waiting.pk))
    assert (line.actor, line.detail["leaked"]) == (ACTOR, True)


def test_it_ends_when_the_successor_comes_and_is_reported_once(waiting, outside, trail):
    outside.heal("before-issue")
    finish_issue(Credential.objects.get(predecessor=waiting), actor="worker", insist=True)
    ended = anew(waiting)
    assert (ended.state_word(), ended.sealed_values, ended.leaked_by) == ("leaked, ending", None, ACTOR)
    trail.one(action="credential.leak_noted")


def test_where_the_end_comes_at_once_its_own_line_tells(trail, outside):
    policy = CredentialPolicy.objects.create(name="single", issuer="one_only")
    only = finish_issue(start_issue(policy=policy, context={}, subject="", actor=ACTOR), actor=ACTOR)
    rotate(credential=only, actor=ACTOR, overlap=NONE)
    assert trail.one(action="credential.revoking").detail["leaked"] is True
    assert not trail.all(action="credential.leak_noted")


def test_the_overlap_of_a_later_rotation_does_not_keep_it(waiting, outside):
    outside.heal("before-issue")
    later = rotate(credential=waiting, actor=ACTOR, overlap=timedelta(days=1), force_reason="the first one hangs")
    finish_issue(later, actor=ACTOR, insist=True)
    ended = anew(waiting)
    assert (ended.is_usable(), ended.sealed_values) == (False, None)


def test_revoking_it_later_erases_its_values_also_where_nobody_says_again_that_it_leaked(waiting):
    ended = revoke(credential=waiting, actor=ACTOR, reason="do not wait")
    assert (ended.sealed_values, ended.state_word()) == (None, "leaked, ending")


def test_while_its_end_is_stuck_and_after_it_was_forced_its_word_says_that_it_leaked(active, outside):
    outside.fault("before-revoke", "down")
    revoke(credential=active, actor=ACTOR, reason="in a log", leaked=True)
    Credential.objects.filter(pk=active.pk).update(attempts=5)
    assert anew(active).state_word() == "leaked, stuck"
    force_end(credential=active, actor=ACTOR, reason="the vendor is gone")
    assert anew(active).state_word() == "leaked, force-ended"


def test_predecessors_end_with_it_and_have_not_leaked(active, outside, trail):
    successor = finish_issue(rotate(credential=active, actor=ACTOR), actor=ACTOR)
    revoke(credential=successor, actor=ACTOR, reason="in a log", leaked=True, predecessors=True)
    before = anew(active)
    assert (before.is_ending(), before.leaked_at, anew(successor).leaked_by) == (True, None, ACTOR)
    assert trail.one(action="credential.revoking", object_id=str(active.pk)).detail == {
        "policy": "passwords",
        "hint": "",
        "why": "ended with its successor: in a log",
    }


def test_a_predecessor_whose_revocation_is_under_way_is_left_as_it_is(active, outside):
    outside.fault("before-revoke", "down")
    successor = finish_issue(rotate(credential=active, actor=ACTOR), actor=ACTOR)
    revoke(credential=anew(active), actor=ACTOR, reason="no longer needed")
    revoke(credential=successor, actor=ACTOR, reason="in a log", leaked=True, predecessors=True)
    before = anew(active)
    assert (before.leaked_at, before.sealed_values is None) == (None, False)


def test_the_preview_says_that_it_is_handed_out_until_then(active):
    (sentence,) = preview_rotation(active, NONE).sentences()[1:]
    assert sentence == "It ends as soon as its successor is there, without overlap; until then it is handed out."


def test_the_preview_says_that_the_issuer_fails(waiting):
    Credential.objects.filter(predecessor=waiting).update(attempts=2)
    assert preview_rotation(waiting, NONE).sentences()[2] == (
        "The issuer folder fails right now: until it works again there is no successor, and this one is handed out. "
        "Revoke ends it at once, without a successor."
    )


def test_the_preview_of_a_gap_says_so_as_well(outside, db):
    policy = CredentialPolicy.objects.create(name="single", issuer="one_only")
    only = finish_issue(start_issue(policy=policy, context={}, subject="", actor=ACTOR), actor=ACTOR)
    other = start_issue(policy=policy, context={}, subject="", actor=ACTOR)
    assert len(preview_rotation(only).sentences()) == 2
    Credential.objects.filter(pk=other.pk).update(attempts=2)
    assert preview_rotation(only).sentences()[2] == (
        "The issuer one_only fails right now: the gap lasts until it works again."
    )


def test_the_command_says_that_it_is_not_ended_yet(active, capsys):
    call_command("rotate", str(active.pk), "--leaked")
    told = f"{active.pk} is not ended yet: it is handed out until the successor is there.\n"
    assert capsys.readouterr().out.endswith(told)
    assert anew(active).leaked_by.startswith("command:rotate:")


def test_the_worker_ends_it_when_the_issuer_works_again(waiting, outside):
    outside.heal("before-issue")
    Credential.objects.filter(predecessor=waiting).update(next_attempt_at=None)
    tasks.finish_issue(str(Credential.objects.get(predecessor=waiting).pk))
    tasks.end(str(waiting.pk))
    assert anew(waiting).state == "revoked"

"""A version that retires is all that its line has, once its successor was revoked: the line goes on from it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.rotation_impact import preview_rotation
from credservice.credentials.services import finish_end, finish_issue, revoke, rotate, start_issue
from credservice.credentials.vendor_values import put_credential

DAY = timedelta(days=1)
FIRST, SECOND, THIRD = ({"apiKey": f"a-key-of-this-customer-{n}"} for n in range(3))


def read(credential):
    return Credential.objects.select_related("policy").get(pk=credential.pk)


@pytest.fixture
def last(db):
    """Of entered values: it retires, and its successor was revoked."""
    policy = CredentialPolicy.objects.create(name="entered", issuer="static", options={"names": ["apiKey"]})
    first = start_issue(policy=policy, context={}, subject="end_user:1", actor="test", entered=FIRST)
    revoke(credential=rotate(credential=first, actor="test", entered=SECOND), actor="test", reason="wrong")
    return read(first)


@pytest.fixture
def last_outside(active):
    """Of an issuer elsewhere."""
    successor = finish_issue(rotate(credential=active, actor="test"), actor="test")
    finish_end(revoke(credential=successor, actor="test", reason="wrong"), actor="test")
    return read(active)


def test_new_values_follow_it_and_it_ends_as_planned(last):
    planned = last.retires_at
    successor = rotate(credential=last, actor="test", entered=THIRD)
    assert (successor.state, successor.line, successor.predecessor) == ("active", last.line, last)
    assert (read(last).state, read(last).retires_at) == ("retiring", planned)
    with pytest.raises(Conflict, match="Only an active credential can be rotated; this one is retiring"):
        rotate(credential=read(last), actor="test", entered=FIRST)


def test_only_the_newest_that_retires_takes_them(last):
    third = rotate(credential=last, actor="test", entered=THIRD)
    fourth = rotate(credential=third, actor="test", entered=FIRST)
    revoke(credential=fourth, actor="test", reason="wrong")
    assert [read(one).takes_successor() for one in (last, third, fourth)] == [False, True, False]
    told = "this one is retiring. If it has leaked, revoke it, and say that."
    with pytest.raises(Conflict, match=f"Only an active credential can be rotated; {told}"):
        put_credential(credential=read(last), policy=last.policy, values=SECOND, actor="test")


def test_one_that_has_leaked_ends_at_once(last):
    with pytest.raises(Conflict, match="the ones that it has already"):
        rotate(credential=last, actor="test", entered=FIRST, overlap=timedelta(0))
    rotate(credential=last, actor="test", entered=THIRD, overlap=timedelta(0))
    assert (read(last).state, read(last).sealed_values, read(last).leaked_at is None) == ("revoked", None, False)


def test_its_own_values_are_entered_again_to_go_on(last):
    put, is_new = put_credential(credential=last, policy=last.policy, values=FIRST, actor="test")
    assert (is_new, put.state, put.open()) == (True, "active", FIRST)
    for again in (put, read(last)):
        assert put_credential(credential=again, policy=put.policy, values=FIRST, actor="test") == (put, False)
    assert read(last).state == "retiring"


def test_its_own_values_are_not_brought_back_once_they_have_leaked(last):
    Credential.objects.filter(pk=last.pk).update(leaked_at=timezone.now())
    with pytest.raises(Invalid):
        put_credential(credential=read(last), policy=last.policy, values=FIRST, actor="test")


def test_one_that_has_ended_takes_none(last):
    Credential.objects.filter(pk=last.pk).update(retires_at=timezone.now())
    with pytest.raises(Conflict):
        rotate(credential=read(last), actor="test", entered=THIRD)


def test_an_issuer_makes_its_successor(last_outside, outside):
    successor = rotate(credential=last_outside, actor="test")
    with pytest.raises(Conflict, match="pending"):
        rotate(credential=read(last_outside), actor="test")
    assert finish_issue(successor, actor="test").state == "active"
    assert read(last_outside).state == "retiring"
    assert outside.live() == {str(last_outside.pk), str(successor.pk)}


def test_a_leaked_one_of_an_issuer_ends_before_its_successor_is_made(last_outside, outside):
    assert preview_rotation(last_outside, timedelta(0)).sentences()[1] == (
        "It ends at once, before its successor is made: there is a gap between the two."
    )
    successor = rotate(credential=last_outside, actor="test", overlap=timedelta(0))
    assert not read(last_outside).is_usable()
    assert finish_issue(successor, actor="test").state == "active"
    assert outside.live() == {str(successor.pk)}


def test_a_successor_of_one_that_was_revoked_is_waited_for(active):
    """The line has a retiring one, a revoked one, and what that one's rotation is still making."""
    middle = finish_issue(rotate(credential=active, actor="test"), actor="test")
    pending = rotate(credential=middle, actor="test")
    finish_end(revoke(credential=middle, actor="test", reason="wrong"), actor="test")
    with pytest.raises(Conflict, match="A rotation has been pending"):
        rotate(credential=read(active), actor="test")
    forced = rotate(credential=read(active), actor="test", force_reason="it hangs")
    assert read(pending).is_ending()
    assert finish_issue(forced, actor="test").state == "active"


def test_the_preview_says_that_its_end_stays(last):
    told = f"It is retiring, and stays valid until {last.retires_at:%Y-%m-%d %H:%M} UTC, as before."
    assert told in preview_rotation(last).sentences()
    assert "It ends at once." in preview_rotation(last, timedelta(0)).sentences()

"""Short-lived credentials: made anew when due; the last valid one while that cannot be."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.core.exceptions import Unavailable
from credservice.credentials.models import Credential
from credservice.credentials.services import refresh
from tests.support.concurrency import at_once


@pytest.fixture
def due(active):
    now = timezone.now()
    Credential.objects.filter(pk=active.pk).update(
        refresh_at=now - timedelta(seconds=1), expires_at=now + timedelta(minutes=10)
    )
    active.refresh_from_db()
    return active


def test_one_that_is_not_due_is_handed_out_again(active, outside):
    assert refresh(active, actor="test") == (active, False)
    assert len(outside.calls("issue")) == 1


def test_a_due_one_is_succeeded_at_once(due, outside):
    fresh, stale = refresh(due, actor="test")
    assert (fresh.predecessor_id, fresh.state, stale) == (due.pk, "active", False)


def test_while_the_issuer_is_down_the_valid_one_is_handed_out_as_stale(due, outside):
    outside.fault("before-issue", "down")
    assert refresh(due, actor="test") == (due, True)
    assert refresh(due, actor="test") == (due, True)


def test_stale_has_an_end(due, outside):
    outside.fault("before-issue", "down")
    due.policy.stale_for = timedelta(0)
    due.policy.save()
    with pytest.raises(Unavailable):
        refresh(due, actor="test")


def test_an_expired_one_is_never_handed_out(due, outside):
    outside.fault("before-issue", "down")
    Credential.objects.filter(pk=due.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    due.refresh_from_db()
    with pytest.raises(Unavailable):
        refresh(due, actor="test")


@pytest.mark.django_db(transaction=True)
def test_many_callers_of_a_due_one_make_one_successor(due, outside):
    outside.fault("before-issue", "slow")
    results = at_once(lambda _: refresh(Credential.objects.get(pk=due.pk), actor="test"), 12)
    assert all(credential.is_usable() and not stale for credential, stale in results)
    assert len(outside.calls("issue")) == 2


def test_where_only_one_may_live_a_due_one_ends_before_its_successor_is_made(due, outside):
    due.policy.multiple = False
    due.policy.save()
    fresh, _ = refresh(due, actor="test")
    assert outside.live() == {str(fresh.pk)}

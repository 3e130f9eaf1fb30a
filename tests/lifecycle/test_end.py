"""Revocation and expiry: never given up, seen when stuck, forced with a reason."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid, Unavailable
from credservice.core.jobs import LONGEST_PAUSE, pause_after
from credservice.credentials import tasks
from credservice.credentials.models import Credential
from credservice.credentials.services import finish_end, force_end, retry_now, revoke


@pytest.fixture
def ending(active) -> Credential:
    return revoke(credential=active, actor="test", reason="no longer needed")


def test_a_revoked_one_is_not_handed_out_while_the_outside_still_has_it(ending, outside):
    assert outside.live() == {str(ending.pk)}
    assert not ending.is_usable()


def test_the_worker_ends_it_outside(ending, outside, trail):
    tasks.end(str(ending.pk))
    ending.refresh_from_db()
    assert (ending.state, outside.live()) == ("revoked", set())
    assert trail.one(action="credential.revoked").actor == "worker"


def test_revoking_twice_calls_the_outside_once(ending, outside):
    revoke(credential=ending, actor="test", reason="again")
    tasks.end(str(ending.pk))
    tasks.end(str(ending.pk))
    assert len(outside.calls("revoke")) == 1


def test_while_the_outside_is_down_it_is_tried_again_and_shown_as_stuck(ending, outside, trail):
    outside.fault("before-revoke", "down")
    for _ in range(6):
        with pytest.raises(Unavailable):
            tasks.end(str(ending.pk))
    ending.refresh_from_db()
    assert (ending.state, ending.is_stuck(), ending.failure) == ("retiring", True, "the outside is down")
    assert len(trail.all(action="credential.revoke", outcome="failed")) == 3  # the 1st, 2nd and 4th attempt
    outside.heal("before-revoke")
    tasks.end(str(ending.pk))
    ending.refresh_from_db()
    assert (ending.state, ending.failure) == ("revoked", "")


def test_the_pause_grows_to_an_hour_and_the_job_is_never_dropped():
    pauses = [pause_after(attempt) for attempt in range(60)]
    assert pauses[0] <= timedelta(seconds=5)
    assert LONGEST_PAUSE / 2 <= pauses[-1] <= LONGEST_PAUSE
    assert tasks.end.retry_strategy.get_retry_decision(exception=Exception(), job=_job(10_000)).retry_at is not None


def test_what_has_failed_is_tried_again_at_once(ending, outside, trail, jobs, clear_jobs):
    outside.fault("before-revoke", "down")
    with pytest.raises(Unavailable):
        tasks.end(str(ending.pk))
    clear_jobs()
    retry_now(credential=ending, actor="user:ada")
    assert jobs() == [("credentials.end", str(ending.pk))]
    assert trail.one(action="credential.retried").actor == "user:ada"


def test_what_has_not_failed_is_not_tried_again(ending, jobs, clear_jobs):
    clear_jobs()
    with pytest.raises(Conflict, match="has failed"):
        retry_now(credential=ending, actor="test")
    assert jobs() == []


def test_a_stuck_one_is_forced_with_a_reason(ending, outside, trail):
    forced = force_end(credential=ending, actor="user:ada", reason="the database is gone for good")
    assert forced.state == "revoked"
    assert trail.one(action="credential.revoked").detail["forced"] is True


def test_forcing_asks_for_a_reason(ending):
    with pytest.raises(Invalid, match="Say why"):
        force_end(credential=ending, actor="test", reason=" ")


def test_only_what_is_ending_can_be_forced(active):
    with pytest.raises(Conflict):
        force_end(credential=active, actor="test", reason="because")


def test_the_sweep_expires_what_is_over_and_ends_it_outside(active, outside):
    Credential.objects.filter(pk=active.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep(0)
    tasks.end(str(active.pk))
    active.refresh_from_db()
    assert (active.state, outside.live()) == ("expired", set())


def test_the_sweep_finds_work_whose_job_was_lost(active, jobs, clear_jobs):
    ending = revoke(credential=active, actor="test", reason="test")
    clear_jobs()
    Credential.objects.filter(pk=ending.pk).update(retires_at=timezone.now() - timedelta(minutes=5))
    tasks.sweep(0)
    assert jobs() == [("credentials.end", str(ending.pk))]


def test_already_gone_outside_is_success(ending, outside):
    (outside.folder / "live" / str(ending.pk)).unlink()
    assert finish_end(ending, actor="test").state == "revoked"


def _job(attempts: int):
    from procrastinate.jobs import Job

    return Job(id=1, queue="default", lock=None, queueing_lock=None, task_name="x", attempts=attempts)

"""A slow issuer stops nobody else."""

import threading
import time

import pytest
from django.db import connection

from credservice.credentials import bulkhead, locks
from credservice.credentials.models import Credential
from credservice.credentials.services import finish_issue, start_issue
from credservice.exceptions import Unavailable
from tests.concurrency import at_once


@pytest.fixture
def two_places():
    bulkhead.limit(2)
    yield
    bulkhead.unlimit()


@pytest.mark.django_db(transaction=True)
def test_past_its_places_a_process_refuses_at_once(two_places, policy, outside):
    outside.fault("before-issue", "slow")
    pending = [start_issue(policy=policy, context={}, subject="", actor="test") for _ in range(6)]
    results = at_once(lambda number: finish_issue(pending[number], actor="test"), 6)
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert len(refused) >= 2
    assert all(refusal.retry_after == 1 for refusal in refused)
    assert len(outside.live()) == 6 - len(refused)


@pytest.mark.django_db
def test_places_are_free_again_after_failures(two_places, pending, outside):
    outside.fault("before-issue", "down")
    for _ in range(5):
        with pytest.raises(Unavailable):
            finish_issue(pending, actor="test", insist=True)
    outside.heal("before-issue")
    assert finish_issue(pending, actor="test", insist=True).state == "active"


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_ever_for_another_caller(pending, monkeypatch):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.2)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.credential_lock(pending.pk):
            held.set()
            done.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    started = time.monotonic()
    with pytest.raises(Unavailable, match="is being made"):
        finish_issue(Credential.objects.get(pk=pending.pk), actor="test")
    assert time.monotonic() - started < 2
    done.set()
    holder.join(10)


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_another_session_holds_is_not_taken_for_ours(pending, caplog):
    with locks.credential_lock(pending.pk):
        connection.close()  # the lock falls with it, as it would stay behind a pooler
    assert "advisory_lock_lost" in caplog.text

"""A slow issuer stops nobody else."""

import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from credservice.core.exceptions import Unavailable
from credservice.credentials import bulkhead, locks
from credservice.credentials.models import Credential, Lease
from credservice.credentials.services import finish_issue, start_issue
from tests.support.concurrency import at_once, until


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


def ends_at(credential):
    return Lease.objects.values_list("ends_at", flat=True).get(pk=credential.pk)


@pytest.mark.django_db(transaction=True)
def test_a_lease_outlives_its_connection_and_is_renewed_while_its_holder_lives(pending, monkeypatch):
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)
    with locks.credential_lock(pending.pk):
        connection.close()  # as a failover closes it
        first = ends_at(pending)
        until(lambda: ends_at(pending) > first)
        assert locks.credential_lock_is_held(pending.pk)
    assert not Lease.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_lease_whose_holder_died_ends_and_is_taken(pending):
    Lease.objects.create(id=pending.pk, holder=uuid4(), ends_at=timezone.now() + timedelta(seconds=0.5))
    assert locks.credential_lock_is_held(pending.pk)
    assert finish_issue(pending, actor="test").state == "active"


@pytest.mark.django_db(transaction=True)
def test_a_holder_whose_lease_another_one_took_ends_not_that_ones(pending, caplog):
    with locks.credential_lock(pending.pk):
        Lease.objects.update(holder=uuid4())
    assert "lease_lost" in caplog.text
    assert locks.credential_lock_is_held(pending.pk)


@pytest.mark.django_db(transaction=True)
def test_no_session_holds_anything_while_an_issuer_is_called(pending):
    with locks.credential_lock(pending.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_could_not_be_started_is_started_for_the_next_holder(pending, monkeypatch):
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(locks, "_keeper", locks._Keeper())
    with monkeypatch.context() as no_room:
        no_room.setattr(threading.Thread, "start", _no_room)
        with pytest.raises(RuntimeError), locks.credential_lock(pending.pk):
            pass
    assert not Lease.objects.exists()
    with locks.credential_lock(pending.pk):
        first = ends_at(pending)
        until(lambda: ends_at(pending) > first)


def _no_room(thread):
    raise RuntimeError("can't start new thread")


@pytest.mark.django_db(transaction=True)
def test_leases_that_are_not_there_to_be_renewed_are_told(pending, monkeypatch, caplog):
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)
    with locks.credential_lock(pending.pk):
        Lease.objects.update(holder=uuid4())
        until(lambda: "leases_lost" in caplog.text)


@pytest.mark.django_db(transaction=True)
def test_a_lease_that_an_outcome_keeps_holds_up_no_others_renewal(pending, policy, monkeypatch):
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)
    other = start_issue(policy=policy, context={}, subject="", actor="test")
    with locks.credential_lock(pending.pk) as kept, locks.credential_lock(other.pk), transaction.atomic():
        kept.keep()
        first = ends_at(other)
        until(lambda: ends_at(other) > first)

"""The sweep while an issuer is down: what cannot be ended outside holds up nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.credentials import tasks
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import revoke, start_issue

pytestmark = pytest.mark.django_db(transaction=True)
OVER = timedelta(seconds=1)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(tasks, "BATCH", 1)


def expired(credential: Credential) -> Credential:
    Credential.objects.filter(pk=credential.pk).update(expires_at=timezone.now() - OVER)
    return credential


def test_a_full_batch_that_is_ending_does_not_keep_the_sweep_busy(active, outside, small_batches):
    outside.fault("before-revoke", "down")
    expired(active)
    assert [tasks.expire_due() for _ in range(3)] == [1, 0, 0]
    assert Credential.objects.get(pk=active.pk).is_ending()


def test_what_expires_behind_a_batch_that_is_ending_ends_as_well(active, outside, small_batches):
    outside.fault("before-revoke", "down")
    expired(revoke(credential=expired(active), actor="test", reason="test"))
    keys = CredentialPolicy.objects.create(name="keys", issuer="api_key")
    other = expired(start_issue(policy=keys, context={}, subject="end_user:2", actor="test"))
    tasks.sweep(0)
    assert Credential.objects.get(pk=other.pk).state == "expired"


def test_the_end_of_what_expires_by_itself_asks_nobody_after_its_expiry(active, outside, monkeypatch):
    monkeypatch.setattr("tests.lifecycle.outside.FolderIssuer.expires_itself", True)
    outside.fault("before-revoke", "down")
    ending = expired(revoke(credential=active, actor="test", reason="test"))
    tasks.end(str(ending.pk))
    assert Credential.objects.get(pk=ending.pk).ended_at is not None
    assert outside.calls("revoke") == []

"""Another rotation period of a policy, which reaches the credentials that are live."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.adminkit.models import Job
from credservice.credentials import tasks, transitions
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import start_issue

DAY = timedelta(days=1)


@pytest.fixture
def policy(db):
    return CredentialPolicy.objects.create(name="keys", issuer="api_key", options={"name": "KEY"})


def make(policy, age):
    made = start_issue(policy=policy, context={}, subject="end_user:1", actor="test")
    Credential.objects.filter(pk=made.pk).update(activated_at=timezone.now() - age)
    return made.pk


def change(policy, period):
    policy.rotation_period = period
    policy.save()
    tasks.reschedule(str(policy.pk))


def ages(*keys):
    rows = {row.pk: row for row in Credential.objects.filter(pk__in=keys)}
    return [rows[key].rotates_at and rows[key].rotates_at - rows[key].activated_at for key in keys]


def test_a_period_that_was_not_there_reaches_live_ones_within_its_jitter(policy):
    keys = make(policy, 10 * DAY), make(policy, 0 * DAY)
    assert ages(*keys) == [None, None]
    change(policy, 90 * DAY)
    assert all(81 * DAY <= age <= 90 * DAY for age in ages(*keys))


def test_a_shorter_one_makes_the_old_ones_due_within_the_jitter(policy):
    old, new = [make(policy, 40 * DAY) for _ in range(5)], make(policy, 1 * DAY)
    change(policy, 90 * DAY)
    change(policy, 30 * DAY)
    planned = [40 * DAY + part for part in (0 * DAY, 3 * DAY)]
    assert all(planned[0] < age < planned[1] + timedelta(minutes=1) for age in ages(*old))
    assert len({*ages(*old)}) == 5
    before = ages(*old, new)
    tasks.reschedule(str(policy.pk))
    assert ages(*old, new) == before
    Credential.objects.filter(pk__in=old).update(rotates_at=timezone.now())
    tasks.rotate_due()
    made = Credential.objects.exclude(pk__in=[*old, new])
    assert {row.predecessor_id for row in made} == {*old}


def test_each_batch_goes_by_the_period_that_the_policy_has_then(policy):
    keys = [make(policy, 0 * DAY) for _ in range(4)]
    change(policy, 90 * DAY)
    CredentialPolicy.objects.update(rotation_period=30 * DAY)
    last = transitions.reschedule(policy.pk, 2)
    CredentialPolicy.objects.update(rotation_period=None)
    assert transitions.reschedule(policy.pk, 3, last) is None
    rows = Credential.objects.order_by("line").values_list("rotates_at", flat=True)
    assert [at is None for at in rows] == [False, False, True, True]
    tasks.reschedule(str(policy.pk))
    assert ages(*keys) == [None] * 4


def test_without_one_nothing_is_rotated_any_more(policy):
    key = make(policy, 0 * DAY)
    change(policy, 1 * DAY)
    assert ages(key) != [None]
    change(policy, None)
    assert ages(key) == [None]


def test_what_is_due_for_another_reason_stays_so(policy):
    key = make(policy, 0 * DAY)
    Credential.objects.filter(pk=key).update(rotates_at=timezone.now())
    change(policy, 90 * DAY)
    assert ages(key)[0] < DAY


def test_it_goes_by_batches(policy, monkeypatch):
    keys = [make(policy, 0 * DAY) for _ in range(5)]
    monkeypatch.setattr(tasks, "BATCH", 2)
    change(policy, 90 * DAY)
    assert None not in ages(*keys)


def test_only_another_period_asks_for_the_job(policy):
    asked = Job.objects.filter(task_name="credentials.reschedule")
    policy.overlap = timedelta(hours=1)
    policy.save()
    assert not asked.exists()
    before = timezone.now()
    policy.rotation_period = 90 * DAY
    policy.save(update_fields=["rotation_period"])
    now, later = asked.order_by("id")
    lock = f"credentials.reschedule:{policy.pk}"  # two of one lock wait for the older one's time
    assert [job.lock for job in (now, later)] == [lock, f"{lock}:later"]
    assert now.args == later.args == {"policy_id": str(policy.pk)}
    assert now.scheduled_at is None
    assert later.scheduled_at > before + timedelta(minutes=9)  # for what was being made

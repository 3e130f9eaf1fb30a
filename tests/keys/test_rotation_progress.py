"""Tells how far a partner has come with a new signing secret."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.keys.models import SigningSecret, SigningSecretSet
from credservice.keys.reminders import reminders
from credservice.keys.rotation_progress import Stage, last_uses, progress_of
from credservice.keys.services import generate_secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def rotated():
    """A set with a current secret and the one before."""
    secret_set = SigningSecretSet.objects.create(label="platform mindcloud")
    first, _ = generate_secret(secret_set=secret_set, actor="test")
    second, _ = generate_secret(secret_set=secret_set, actor="test", overlap=timedelta(hours=24))
    return secret_set, first, second


def used(secret, minutes_ago=0):
    SigningSecret.objects.filter(pk=secret.pk).update(last_used_at=timezone.now() - timedelta(minutes=minutes_ago))


def test_there_is_none_before_a_second_secret():
    secret_set = SigningSecretSet.objects.create(label="platform mindcloud")
    assert progress_of(secret_set) is None
    generate_secret(secret_set=secret_set, actor="test")
    assert progress_of(secret_set) is None


def test_a_new_secret_is_unused_until_it_has_verified_a_call(rotated):
    secret_set, first, second = rotated
    used(first)
    assert progress_of(secret_set).stage == Stage.UNUSED
    used(second)
    assert progress_of(secret_set).stage == Stage.BOTH


@pytest.mark.parametrize(
    ("made", "old", "stage"),
    [
        (5, 6, Stage.BOTH),  # idle before: others of its processes may still have the old one
        (90, 59, Stage.BOTH),
        (90, 61, Stage.CHANGED),
        (90, 120, Stage.CHANGED),
        (59, 120, Stage.BOTH),
    ],
)
def test_the_one_before_can_go_when_it_was_quiet_for_an_hour(rotated, made, old, stage):
    """Both times in minutes: since the new one was made, and since the old one last verified a call."""
    secret_set, first, second = rotated
    SigningSecret.objects.filter(pk=second.pk).update(created_at=timezone.now() - timedelta(minutes=made))
    used(first, minutes_ago=old)
    used(second)
    assert progress_of(secret_set).stage == stage


def test_one_that_never_verified_a_call_counts_from_the_new_ones_making(rotated):
    secret_set, _, second = rotated
    used(second)
    assert progress_of(secret_set).stage == Stage.BOTH
    SigningSecret.objects.filter(pk=second.pk).update(created_at=timezone.now() - timedelta(minutes=61))
    assert progress_of(secret_set).stage == Stage.CHANGED


def test_of_several_before_the_one_that_was_used_last_counts(rotated):
    secret_set, first, second = rotated
    third, _ = generate_secret(secret_set=secret_set, actor="test", overlap=timedelta(hours=24))
    SigningSecret.objects.update(created_at=timezone.now() - timedelta(hours=2))
    used(first, minutes_ago=5)
    used(third)
    assert (progress_of(secret_set).previous, progress_of(secret_set).stage) == (first, Stage.BOTH)
    told = {reminder.key_id: reminder.sentence for reminder in reminders()}
    assert str(Stage.BOTH) in told[str(first.pk)]
    assert str(Stage.CHANGED) in told[str(second.pk)]


def test_uses_are_written_off_the_request(rotated, django_assert_num_queries):
    _, first, second = rotated
    with django_assert_num_queries(0):
        last_uses.note(second.pk)
    last_uses.flush()
    second.refresh_from_db()
    first.refresh_from_db()
    assert second.last_used_at is not None
    assert first.last_used_at is None

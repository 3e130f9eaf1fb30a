"""Reminders before the end of keys and secrets."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.keys import tasks
from credservice.keys.models import SigningKey, SigningSecretSet
from credservice.keys.reminders import reminders
from credservice.keys.services import generate_secret
from credservice.keys.signing_keys import generate_signing_key

pytestmark = pytest.mark.django_db


def test_a_previous_secret_is_reminded_of_before_its_end():
    secret_set = SigningSecretSet.objects.create(label="platform mindcloud")
    first, _ = generate_secret(secret_set=secret_set, actor="test")
    generate_secret(secret_set=secret_set, actor="test", overlap=timedelta(days=3))
    (reminder,) = reminders()
    assert (reminder.kind, reminder.key_id) == ("signing_secret", str(first.pk))
    assert "platform mindcloud" in reminder.sentence


def test_a_previous_secret_that_ends_much_later_is_not():
    secret_set = SigningSecretSet.objects.create(label="platform mindcloud")
    generate_secret(secret_set=secret_set, actor="test")
    generate_secret(secret_set=secret_set, actor="test", overlap=timedelta(days=60))
    assert list(reminders()) == []


def test_a_key_that_has_signed_for_half_a_year_is_reminded_of(trail):
    key = generate_signing_key(algorithm="EdDSA", actor="test")
    SigningKey.objects.filter(pk=key.pk).update(activated_at=timezone.now() - timedelta(days=200))
    tasks.remind(0)
    assert trail.one(action="signing_key.reminded").object_id == str(key.pk)

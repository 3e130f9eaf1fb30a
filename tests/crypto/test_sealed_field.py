"""Columns that hold secrets take nothing but sealed values, whoever writes."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Value

from credservice.crypto import seal
from credservice.keys.models import SigningSecret, SigningSecretSet

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret():
    secret = SigningSecret(secret_set=SigningSecretSet.objects.create(label="test"), hint="h")
    secret.sealed = seal(b"hello", secret.place)
    secret.save()
    return secret


@pytest.mark.parametrize("plaintext", [b"", b"hello", b"x" * 100, b"\xc5\x01short", b"\xc5\x02" + b"x" * 100])
def test_saving_plaintext_is_refused(secret, plaintext):
    secret.sealed = plaintext
    with pytest.raises(ValidationError, match="sealed takes sealed values only"):
        secret.save()


def test_updating_to_plaintext_is_refused(secret):
    with pytest.raises(ValidationError, match="takes sealed values only"):
        SigningSecret.objects.update(sealed=b"hello")


def test_creating_many_with_plaintext_is_refused(secret):
    row = SigningSecret(secret_set=secret.secret_set, state="retired", sealed=b"hello")
    with pytest.raises(ValidationError, match="takes sealed values only"):
        SigningSecret.objects.bulk_create([row])


def test_the_database_refuses_what_gets_past_django(secret):
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningSecret.objects.update(sealed=Value(b"hello"))
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE keys_signingsecret SET sealed = %s", [b"\xc5\x01short"])


def test_a_refusal_does_not_quote_the_value(secret):
    secret.sealed = b"hunter2"
    with pytest.raises(ValidationError) as caught:
        secret.save()
    assert "hunter2" not in str(caught.value)

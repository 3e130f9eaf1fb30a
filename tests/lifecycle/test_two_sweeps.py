"""Two sweeps at once: what one has taken, the other leaves, and waits for nobody."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from credservice.credentials import tasks
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import start_issue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two(db) -> list[Credential]:
    policy = CredentialPolicy.objects.create(name="keys", issuer="api_key")
    return [start_issue(policy=policy, context={}, subject=f"end_user:{n}", actor="test") for n in (1, 2)]


@contextmanager
def taken(credential: Credential) -> Iterator[None]:
    """Another connection holds the row's lock, as the other sweep's does."""
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT FROM credentials_credential WHERE id = %s FOR UPDATE", [credential.pk])
            yield
        other.rollback()  # a server notices a closed connection in its own time


@pytest.fixture(autouse=True)
def _nobody_waits(db):
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def due(**since: timedelta) -> None:
    Credential.objects.update(**{name: timezone.now() - ago for name, ago in since.items()})


def test_one_that_expires_is_taken_by_one_sweep(two, trail):
    due(expires_at=timedelta(seconds=1))
    with taken(two[0]):
        assert [tasks.expire_due(), tasks.expire_due()] == [1, 0]
    assert trail.one(action="credential.expired").object_id == str(two[1].pk)
    assert tasks.expire_due() == 1


def test_one_that_is_erased_is_taken_by_one_sweep(two):
    Credential.objects.update(state="revoked")
    due(ended_at=timedelta(days=40))
    with taken(two[0]):
        assert [tasks.erase_ended(), tasks.erase_ended()] == [1, 0]
    assert list(Credential.objects.filter(sealed_values__isnull=False)) == [two[0]]
    assert tasks.erase_ended() == 1

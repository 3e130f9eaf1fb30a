from pathlib import Path

import pytest
from django.db import connection

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import finish_issue, start_issue
from tests.lifecycle.outside import Outside

BACKEND = "tests.lifecycle.outside.FolderIssuer"


@pytest.fixture
def outside(tmp_path: Path, settings) -> Outside:
    outside = Outside(tmp_path / "outside")
    options = {"folder": str(outside.folder)}
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {
        "folder": {"BACKEND": BACKEND, "OPTIONS": options},
        "one_only": {"BACKEND": BACKEND, "OPTIONS": options | {"overlaps": False}},
    }
    return outside


@pytest.fixture
def policy(outside: Outside, db: None) -> CredentialPolicy:
    return CredentialPolicy.objects.create(name="passwords", issuer="folder")


@pytest.fixture
def pending(policy: CredentialPolicy) -> Credential:
    return start_issue(policy=policy, context={}, subject="end_user:1", actor="test")


@pytest.fixture
def active(pending: Credential) -> Credential:
    return finish_issue(pending, actor="test")


@pytest.fixture
def jobs(db: None):
    """The jobs that wait, as (task, credential id)."""

    def jobs():
        with connection.cursor() as cursor:
            cursor.execute("SELECT task_name, args->>'credential_id' FROM procrastinate_jobs WHERE status = 'todo'")
            return cursor.fetchall()

    return jobs


@pytest.fixture
def clear_jobs(db: None):
    def clear_jobs() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")

    return clear_jobs

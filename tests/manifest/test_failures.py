"""Ends what goes wrong around the file with a sentence, and with nothing changed."""

import subprocess
import sys
import time
from threading import Event, Thread

import pytest
from django.db import connection, transaction

from credservice.credentials.models import CredentialPolicy
from credservice.keys.models import SigningSecret
from credservice.manifest.apply import apply
from tests.support.concurrency import at_once
from tests.support.paths import ROOT

POLICY = "policies:\n  p: {issuer: api_key}\n"


def test_the_program_ends_with_1_and_the_problems_on_standard_error(commands):
    (commands.folder / "bad.yaml").write_text("policies: [p]\n")
    command = [sys.executable, str(ROOT / "manage.py"), "apply", "bad.yaml"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "\nbad.yaml:1: policies: this is a list: write a mapping of names\n" in ended.stderr
    assert ended.stdout == ""


def test_tables_of_another_version_are_named_as_the_cause(commands):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE credentials_credentialpolicy DROP COLUMN multiple CASCADE")
    assert "expects. Run .venv/bin/python manage.py migrate, then apply again." in commands.refused(POLICY)


def test_a_sealed_value_that_does_not_open_is_named_without_its_content(demo):
    other = SigningSecret.objects.get()
    SigningSecret.objects.update(sealed=bytes(other.sealed)[:-1] + bytes([bytes(other.sealed)[-1] ^ 1]))
    refusal = demo.refused("platforms:\n  mindcloud: {signing_secret: file:demo/mindcloud-signing-secret}\n")
    assert refusal.startswith("A stored secret does not open, so nothing was changed: keys.signingsecret ")
    assert refusal.endswith("Is its key in ENCRYPTION_KEYS?")


@pytest.mark.django_db(transaction=True)
def test_a_change_that_comes_between_undoes_the_run(commands):
    inserted = Event()
    other = Thread(target=_insert_policy, args=[inserted])
    other.start()
    assert inserted.wait(10)
    refusal = commands.refused(f"{POLICY}  q: {{issuer: api_key}}\n")
    other.join()
    assert refusal == (
        "Something else changed at the same time (credentials_credentialpolicy_name_key), so nothing was changed. "
        "Apply again."
    )
    assert [policy.name for policy in CredentialPolicy.objects.all()] == ["p"]


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_wait_for_each_other():
    outcomes = at_once(lambda number: apply(POLICY, "set-up.yaml"), 2)
    assert sorted(len(outcome.changes) for outcome in outcomes) == [0, 1]


def _insert_policy(inserted):
    """Insert it, and commit once the run waits to see whether it may insert the same."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            CredentialPolicy.objects.create(name="p", issuer="api_key")
            inserted.set()
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
                if cursor.fetchone()[0]:
                    break
                time.sleep(0.02)
    finally:
        connection.close()

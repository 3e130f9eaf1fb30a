"""Reads /metrics: figures of the database, and how little they cost."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credservice import figures
from credservice.audit_chain import sealing
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.keys.models import SigningSecret, SigningSecretSet
from credservice.vendor_api.models import ServiceToken
from tests.support.metrics import scrape

pytestmark = pytest.mark.django_db


def run(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.fixture
def active(db: None) -> Credential:
    policy = CredentialPolicy.objects.create(name="keys", issuer="api_key")
    return start_issue(policy=policy, context={}, subject="end_user:1", actor="test")


def test_a_worker_counts_while_its_heart_beats(client):
    run("DELETE FROM procrastinate_workers")
    assert scrape(client).value("credservice_workers") == 0
    assert not scrape(client).has("credservice_worker_heartbeat_age_seconds")
    run("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '40 seconds')")
    found = scrape(client)
    assert (found.value("credservice_workers"), found.value("credservice_worker_heartbeat_age_seconds")) == (0, 40)
    run("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
    assert scrape(client).value("credservice_workers") == 1


def test_a_job_is_late_from_the_time_that_it_is_for(client):
    run("DELETE FROM procrastinate_jobs")
    job = "INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at) VALUES ('default', 'x', now() + %s)"
    run(job, timedelta(hours=1))
    assert scrape(client).value("credservice_jobs_due") == 0
    run(job, timedelta(seconds=-90))
    run(job, timedelta(seconds=-30))
    found = scrape(client)
    assert (found.value("credservice_jobs_due"), found.value("credservice_job_oldest_seconds")) == (2, 90)


def test_a_job_for_now_is_late_from_its_making(client):
    run("DELETE FROM procrastinate_jobs")
    run("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('default', 'x')")
    run("UPDATE procrastinate_events SET at = now() - interval '70 seconds'")
    assert scrape(client).value("credservice_job_oldest_seconds") == 70


def test_credentials_count_by_state_and_by_days_to_their_end(client, active):
    Credential.objects.filter(pk=active.pk).update(expires_at=timezone.now() + timedelta(days=3))
    found = scrape(client)
    assert found.value("credservice_credentials", state="active") == 1
    ending = {days: found.value("credservice_credentials_ending", within_days=days, renewed="false") for days in "17"}
    assert ending == {"1": 0, "7": 1}
    Credential.objects.filter(pk=active.pk).update(rotates_at=timezone.now())
    assert scrape(client).value("credservice_credentials_ending", within_days="30", renewed="true") == 1


def test_nothing_is_counted_further_than_the_most(client, monkeypatch):
    monkeypatch.setattr(figures, "MOST", 3)
    run("INSERT INTO procrastinate_jobs (queue_name, task_name) SELECT 'default', 'x' FROM generate_series(1, 9)")
    assert scrape(client).value("credservice_jobs_due") == 3


def test_what_a_person_should_replace_is_counted(client):
    soon = timezone.now() + timedelta(days=3)
    owner = SigningSecretSet.objects.create(label="mindcloud")
    SigningSecret.objects.create(secret_set=owner, state="previous", hint="1", ends_at=soon)
    for name, ends in (("a", soon), ("b", soon + timedelta(days=30)), ("c", None)):
        ServiceToken.objects.create(name=name, digest=name.encode(), hint=name, scopes=[], expires_at=ends)
    found = scrape(client)
    names = ("signing_secrets_ending", "service_tokens_ending", "trusted_keys_ending", "signing_keys_old")
    assert [found.value(f"credservice_{name}") for name in names] == [1, 1, 0, 0]


def test_the_trail_tells_how_long_it_has_not_been_sealed(client, active, monkeypatch):
    monkeypatch.setattr(sealing, "last_up_to", lambda: 0)
    found = scrape(client)
    assert found.value("credservice_audit_unsealed_seconds") > 0
    assert (found.value("credservice_audit_chain_broken"), found.value("credservice_audit_sealing_refused")) == (0, 0)


def test_the_databases_connections_are_counted(client):
    found = scrape(client)
    assert found.value("credservice_database_connections", database="this") >= 1
    assert found.value("credservice_database_connections_max") > 1


def test_a_figure_that_takes_too_long_is_left_out(client, monkeypatch):
    monkeypatch.setattr("credservice.metrics.FIGURE_SECONDS", 0.5)
    monkeypatch.setattr(figures, "_WORKERS", "SELECT 1, 2 FROM pg_sleep(30)")
    found = scrape(client)
    assert (found.has("credservice_workers"), found.has("credservice_jobs_due")) == (False, True)


def test_what_comes_after_a_scrape_may_take_longer(client):
    scrape(client)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.django_db(transaction=True)
def test_without_the_database_it_tells_so_and_what_was_counted(client, monkeypatch):
    assert scrape(client).value("credservice_database_up") == 1
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", "/nonexistent")
        found = scrape(client)
    assert (found.has("credservice_database_up"), found.value("credservice_database_up")) == (True, 0)
    assert found.has("credservice_build_info")
    assert found.has("credservice_requests_total")


def test_no_statement_reads_a_large_table_from_end_to_end(client):
    """By the plans that PostgreSQL would make if it could help it."""
    large = {"credentials_credential", "events_eventdelivery", "provisioning_callback", "procrastinate_jobs"}
    with CaptureQueriesContext(connection) as captured:
        scrape(client)
    run("SET LOCAL enable_seqscan = off")
    for query in captured:
        if query["sql"].startswith(("SELECT", "\nSELECT")) and "LIMIT 20001" not in query["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {query['sql']}".replace("%", "%%"))
                plan = "\n".join(line for (line,) in cursor.fetchall())
            assert not [name for name in large if f"Seq Scan on {name}" in plan], plan

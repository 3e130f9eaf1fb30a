"""Is the process up, and can it serve."""

import time

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client

from credservice import __version__, readiness
from credservice.checks import check_later_migrations
from credservice.crypto import SealError, store

CHECKS = ("database", "writable", "room", "clock", "pooler", "migrations", "rights", "keyring")


@pytest.fixture
def ready(client, db):
    return lambda: client.get("/readyz")


def test_a_process_that_answers_is_healthy(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "version": __version__})
    assert response["Cache-Control"] == "no-store"


def test_health_asks_no_database(client):
    """pytest-django refuses the database to tests that do not ask for it."""
    assert client.get("/healthz").status_code == 200


def test_a_service_in_order_is_ready(ready):
    response = ready()
    assert response.status_code == 200
    assert response.json() == {"status": "ok", **dict.fromkeys(CHECKS, "ok")}


def test_anybody_may_ask_and_the_database_is_asked_once_a_second(ready, monkeypatch, django_assert_num_queries):
    ready()
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 1)
    with django_assert_num_queries(0):
        assert ready().status_code == 200


def test_without_its_database_it_is_not_ready(ready, monkeypatch):
    def gone(*_, **__):
        raise OperationalError("connection to hunter2 refused")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", gone)
        response = ready()
    assert (response.status_code, response.json()["database"]) == (503, "failed")
    assert "hunter2" not in response.content.decode()


def test_with_a_key_that_does_not_open_it_is_not_ready(ready, monkeypatch):
    def closed(_):
        raise SealError("data key 1 does not open")

    monkeypatch.setattr(store, "data_key", closed)
    response = ready()
    assert (response.status_code, response.json()["keyring"]) == (503, "failed")


def test_with_a_migration_to_come_it_is_not_ready(ready):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'audit'")
    response = ready()
    assert (response.status_code, response.json()["migrations"]) == (503, "failed")


def test_a_database_that_a_later_release_has_migrated_is_served_and_told(ready):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('audit', '9999_later', now())")
    assert ready().status_code == 200
    (message,) = check_later_migrations(databases=["default"])
    assert "(audit 9999_later)" in message.msg


def test_with_another_clock_than_the_databases_it_is_not_ready(ready, caplog):
    with time_machine.travel(time.time() + 300):
        response = ready()
    assert (response.status_code, response.json()["clock"]) == (503, "failed")
    assert "set both by NTP" in caplog.text


def test_what_a_database_that_is_away_cannot_tell_is_unknown(ready, monkeypatch):
    def gone(*_, **__):
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", gone)
        response = ready()
    assert {name: response.json()[name] for name in CHECKS[1:]} == dict.fromkeys(CHECKS[1:], "unknown")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("host", ["10.1.2.3:8000", "[fd00::7]", "evil.example", "", "not a host"])
def test_probes_are_answered_whatever_host_they_name(client, db, path, host):
    answer = client.get(path, HTTP_HOST=host)
    assert answer.status_code == 200
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/healthz/", "/readyz/x", "/Healthz", "/admin/", "/v1/resources/x", "/.well-known/jwks.json", "/static/x"]
)
def test_everything_else_is_not_answered_to_an_unknown_host(client, path):
    assert client.get(path, HTTP_HOST="10.1.2.3:8000").status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_another_method_is_405_in_json(path, method):
    response = Client(enforce_csrf_checks=True).generic(method, path)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert set(response.json()) == {"code", "message"}


def test_the_bare_address_leads_to_the_console(client):
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_the_bare_address_takes_nothing_else():
    answer = Client(enforce_csrf_checks=True).post("/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

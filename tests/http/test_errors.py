"""Every failure is JSON in its documented form, and says nothing that it should not."""

import psycopg
import pytest
from django.db import OperationalError
from procrastinate.exceptions import ConnectorException

from credservice.http.errors import as_service_error
from tests.http.failing import FAILURES, SECRET

pytestmark = pytest.mark.urls("tests.http.failing")

STATUS = {
    "bug": (500, "internal_error"),
    "row": (500, "internal_error"),
    "data": (500, "internal_error"),
    "database": (503, "unavailable"),
    "connection": (503, "unavailable"),
    "nothing": (404, "not_found"),
    "permission": (403, "forbidden"),
    "suspicious": (400, "invalid_request"),
    "unreadable": (400, "invalid_request"),
    "parse": (400, "invalid_request"),
    "throttled": (429, "throttled"),
    "fields": (400, "invalid_request"),
    "invalid": (400, "invalid_request"),
    "unauthenticated": (401, "unauthenticated"),
    "forbidden": (403, "forbidden"),
    "conflict": (409, "conflict"),
    "too_many": (429, "too_many_requests"),
    "unavailable": (503, "unavailable"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_json_in_the_documented_form(client, name):
    response = client.post(f"/fail/{name}", "{}", content_type="application/json")
    status, code = STATUS[name]
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    body = response.json()
    assert (set(body), body["code"]) == ({"code", "message"}, code)
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", FAILURES)
def test_no_exceptions_text_reaches_the_caller(client, name):
    response = client.post(f"/fail/{name}", "{}", content_type="application/json")
    assert SECRET not in response.content.decode() + str(response.headers)


@pytest.mark.parametrize(("name", "seconds"), [("too_many", "9"), ("unavailable", "7"), ("database", "5")])
def test_what_may_succeed_later_says_when(client, name, seconds):
    response = client.post(f"/fail/{name}", "{}", content_type="application/json")
    assert response["Retry-After"] == seconds


def test_a_field_error_names_the_field(client):
    response = client.post("/fail/fields", "{}", content_type="application/json")
    assert response.json()["message"] == "a.b: Too long."


@pytest.mark.parametrize(
    "method", ["GET", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW", "ERROR_BODY", "INITIAL"]
)
def test_another_method_is_405_and_says_which_are_allowed(client, method):
    response = client.generic(method, "/fail/bug")
    assert (response.status_code, response["Allow"]) == (405, "PUT, POST")
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_an_unknown_path_of_a_door_is_404_by_any_method(client, method):
    response = client.generic(method, "/door/what/ever", b"not json", content_type="text/plain")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "json",
        "",
    ],
)
def test_another_content_type_is_415(client, content_type):
    response = client.put("/fail/x", b"{}", content_type=content_type)
    assert (response.status_code, response["Content-Type"]) == (415, "application/json")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_read_however_its_type_is_written(client, content_type):
    assert client.put("/fail/x", b'{"a":1}', content_type=content_type).json()["got"] == {"a": 1}


def test_a_body_of_64_kib_is_read(client):
    body = b'{"a":"' + b"x" * (64 * 1024 - 8) + b'"}'
    assert client.put("/fail/x", body, content_type="application/json").json()["size"] == 64 * 1024


def test_a_larger_body_is_413(client):
    body = b'{"a":"' + b"x" * (64 * 1024 - 7) + b'"}'
    response = client.put("/fail/x", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=0", "nonsense", ""])
def test_the_answer_is_json_whatever_is_accepted(client, accept):
    response = client.put("/fail/x", b"{}", content_type="application/json", HTTP_ACCEPT=accept)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("path", "keys"), [("/v1/plain", {"message"}), ("/plain", {"code", "message"}), ("/nothing", {"code", "message"})]
)
def test_what_fails_outside_of_a_door_is_json_as_well(client, path, keys):
    response = client.get(path)
    assert response.status_code in (404, 500)
    assert set(response.json()) == keys
    assert SECRET not in response.content.decode()


@pytest.mark.parametrize("host", ["evil.example", "localhost:80:80", "a b", "[::1", "localhost@evil.example"])
def test_a_strange_host_is_400_in_json(client, settings, host):
    settings.ALLOWED_HOSTS = ["localhost"]
    response = client.get("/greeting", HTTP_HOST=host)
    assert (response.status_code, response["Content-Type"]) == (400, "application/json")
    assert host not in response.content.decode()


@pytest.mark.parametrize(
    "kind",
    [psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.IdleInTransactionSessionTimeout],
)
def test_the_drivers_own_errors_are_an_outage_as_well(kind):
    assert as_service_error(kind("the connection is lost")).status == 503


def test_a_statement_of_the_queue_that_the_server_ends_is_an_outage_as_well():
    error = ConnectorException()
    error.__cause__ = OperationalError("canceling statement due to statement timeout")
    error.__cause__.__cause__ = psycopg.errors.QueryCanceled()
    assert as_service_error(error).status == 503

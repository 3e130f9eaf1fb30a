"""Whatever is sent, the answer is JSON of the documented form, and nothing is half-written."""

import json

import pytest
from django.db import OperationalError

from credservice.credentials.models import Credential
from provisioning.models import Resource, ResourceCredential
from tests.provisioning.conftest import new_id, order

LIMIT = 64 * 1024
DEEP = b'{"id": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"


@pytest.fixture
def writes(resource_id, credential_id):
    """(method, target, good body) of every request that has a body."""
    fresh, second = new_id(), new_id()
    return [
        ("PUT", f"/v1/resources/{fresh}", order(fresh)),
        ("PATCH", f"/v1/resources/{resource_id}", {"plan": "ursa-major"}),
        ("PUT", f"/v1/credentials/{second}", {"id": second, "resource_id": resource_id}),
    ]


def counts():
    plans = sorted(Resource.objects.values_list("plan__label", flat=True))
    return plans, ResourceCredential.objects.count(), Credential.objects.count()


def assert_refused(response, status):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert list(response.json()) == ["message"]
    assert 3 <= len(response.json()["message"]) <= 255


BROKEN = {
    "no_json": b"id=1",
    "cut_off": b'{"id": ',
    "empty_text": b" ",
    "array": b"[]",
    "text": b'"bear"',
    "number": b"7",
    "null": b"null",
    "not_utf8": b'{"id": "\xff"}',
    "utf16": '{"id": "1"}'.encode("utf-16"),
    "byte_order_mark": b'\xef\xbb\xbf{"id": "1"}',
    "deep": DEEP,
    "deep_objects": b'{"a":' * 20 + b"1" + b"}" * 20,
    "duplicate_key": b'{"plan": "ursa-major", "plan": "ursa-minor"}',
    "nan": b'{"plan": NaN}',
    "infinity": b'{"plan": -Infinity}',
    "overflow": b'{"plan": 1e999}',
    "huge_integer": b'{"plan": ' + b"9" * 5000 + b"}",
    "lone_surrogate": b'{"plan": "\\ud800"}',
    "surrogate_key": b'{"\\udfff": 1}',
    "nul": b'{"plan": "ursa\\u0000major"}',
    "empty_object": b"{}",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_body_that_has_no_one_meaning_is_refused(door, writes, body):
    before = counts()
    for method, target, _ in writes:
        assert_refused(door.send(method, target, body), 400)
    assert counts() == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
)
def test_another_content_type_is_refused(door, writes, kind):
    before = counts()
    for method, target, body in writes:
        assert_refused(door.send(method, target, body, signed={"content-type": kind}), 415)
    assert counts() == before


def test_a_charset_makes_no_other_content_type(door, writes):
    method, target, body = writes[0]
    kind = {"content-type": "Application/JSON; charset=utf-8"}
    assert door.send(method, target, body, signed=kind).status_code == 201


def test_a_missing_body_is_refused(door, writes):
    for method, target, _ in writes:
        assert_refused(door.send(method, target), 400)


def padded(body, size):
    text = json.dumps(body)
    return (text[:-1] + " " * (size - len(text)) + "}").encode()


def test_a_body_over_the_limit_is_refused_before_its_signature(door, writes):
    before = counts()
    for method, target, body in writes:
        assert_refused(door.send(method, target, padded(body, LIMIT + 1), header="none"), 413)
    assert counts() == before


def test_a_body_at_the_limit_is_read(door, writes):
    method, target, body = writes[0]
    assert door.send(method, target, padded(body, LIMIT)).status_code == 201


BAD_IDS = [
    "x",
    "0" * 28,
    "0" * 30,
    "0" * 5000,
    "i" + "0" * 28,
    "A" + "0" * 28,
    "0" * 28 + "%0a",
    "%00" * 29,
    "%ff",
    "é",
]


@pytest.mark.parametrize("bad_id", BAD_IDS, ids=range(len(BAD_IDS)))
def test_a_malformed_id_in_the_path_is_refused(door, writes, bad_id):
    before = counts()
    bad_id = bad_id.encode().decode("latin-1")
    period = "?period_start=2018-05-01T00:00:00Z&period_end=2018-06-01T00:00:00Z"
    for kind in ("resources", "credentials"):
        assert_refused(door.put(f"/v1/{kind}/{bad_id}", order(bad_id) | {"resource_id": new_id()}), 400)
        assert_refused(door.delete(f"/v1/{kind}/{bad_id}"), 400)
    assert_refused(door.patch(f"/v1/resources/{bad_id}", {"plan": "ursa-major"}), 400)
    assert_refused(door.get(f"/v1/resources/{bad_id}/measures{period}"), 400)
    assert counts() == before


@pytest.mark.parametrize("value", [None, 7, True, [], {}, "", "0" * 29 + "x", "\u2028" * 29, "0" * 29])
def test_another_id_in_the_body_than_in_the_path_is_refused(door, writes, value):
    for method, target, body in writes:
        if method == "PUT":
            assert_refused(door.send(method, target, body | {"id": value}), 400)


@pytest.mark.parametrize("value", [None, 7, True, [], {"label": "bear"}, "", "x", "UPPER", "x" * 130, "-bear", "be ar"])
@pytest.mark.parametrize("name", ["product", "plan", "region"])
def test_a_field_that_is_no_name_is_refused(door, writes, name, value):
    before = counts()
    method, target, body = writes[0]
    assert_refused(door.send(method, target, body | {name: value}), 400)
    assert counts() == before


@pytest.mark.parametrize("value", [None, 7, [], {}, "", "x", "0" * 30, "0" * 60_000])
def test_a_credential_for_a_malformed_resource_id_is_refused(door, writes, value):
    before = counts()
    method, target, body = writes[2]
    assert_refused(door.send(method, target, body | {"resource_id": value}), 400)
    assert counts() == before


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("/v1/resources/{id}", "PUT, PATCH, DELETE"),
        ("/v1/resources/{id}/measures", "GET"),
        ("/v1/credentials/{id}", "PUT, DELETE"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_an_unknown_method_is_refused_with_those_allowed(client, db, target, allowed, method):
    if method in allowed:
        return
    response = client.generic(method, target.format(id=new_id()), b"{", "application/json")
    assert response["Allow"] == allowed
    if method != "HEAD":
        assert_refused(response, 405)


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/resources",
        "/v1/resources/",
        "/v1/resources/a/b",
        "/v1/resources/a/measures/b",
        "/v1//",
        "/v1/%0a",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_an_unknown_path_is_not_found_in_json(client, db, path, method):
    assert_refused(client.generic(method, path), 404)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=0", "nonsense"])
def test_the_answer_is_json_whatever_is_accepted(door, accept):
    assert_refused(door.delete(f"/v1/resources/{new_id()}", after={"accept": accept}), 404)


def test_another_host_is_refused_in_json(client, db):
    response = client.generic("GET", f"/v1/resources/{new_id()}", HTTP_HOST="attacker.example")
    assert_refused(response, 400)


def test_an_error_of_ours_says_nothing_of_itself(door, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("provisioning.manifold.views.services.deprovision_resource", fail)
    response = door.delete(f"/v1/resources/{new_id()}")
    assert_refused(response, 500)
    assert "secret" not in response.content.decode()


def test_a_database_that_is_away_is_said_so(door, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("host=secret")

    monkeypatch.setattr("provisioning.manifold.views.services.deprovision_resource", fail)
    response = door.delete(f"/v1/resources/{new_id()}")
    assert_refused(response, 503)
    assert response["Retry-After"]
    assert "secret" not in response.content.decode()

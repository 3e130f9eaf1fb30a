"""Problem documents (RFC 9457), for every path under /api/."""

import re

import pytest

from credservice.core.exceptions import ServiceError
from credservice.vendor_api.problems import KNOWN, problem
from exchange.models import EndUser
from tests.support.paths import ROOT
from tests.vendor_api.client import TYPE, refused

DOCS = ROOT / "docs/vendor-api.md"


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/end-users"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404(client, db, path, method):
    refused(client.generic(method, path), 404, "not_found")


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b"\xff", b'{"name": "a", "name": "b"}', b'{"name": NaN}'])
def test_a_body_that_is_no_json_object(vendor, door, body):
    headers = {"Authorization": f"Bearer {vendor.token}"}
    answer = vendor.client.put("/api/v1/end-users/customer-1", body, "application/json", headers=headers)
    refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_another_media_type_is_415(vendor, door, media_type):
    headers = {"Authorization": f"Bearer {vendor.token}"}
    answer = vendor.client.put("/api/v1/end-users/customer-1", b"name=x", media_type, headers=headers)
    problem = refused(answer, 415, "unsupported_media_type")
    assert problem["detail"] == f"This was sent as {media_type}. Send application/json."


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x"])
@pytest.mark.parametrize(("method", "path"), [("put", "end-users/customer-1"), ("post", "bulk"), ("post", "leaks")])
def test_a_body_in_a_coding_is_415(vendor, door, coding, method, path):
    headers = {"Authorization": f"Bearer {vendor.token}", "Content-Encoding": coding}
    media_type = "application/x-ndjson" if path == "bulk" else "application/json"
    answer = getattr(vendor.client, method)(f"/api/v1/{path}", b"\x1f\x8b\x08", media_type, headers=headers)
    assert "Content-Encoding" in refused(answer, 415, "unsupported_media_type")["detail"]


@pytest.mark.parametrize("path", ["end-users%2f", "end-users%2Fcustomer-1", "grants%2F", "end-users/customer-1%2F"])
def test_an_encoded_slash_parts_no_path(vendor, door, path):
    answer = vendor.client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {vendor.token}"})
    refused(answer, 404, "not_found")


@pytest.mark.parametrize("mark", ["\u00a0", "\u00ad", "\x85", "\t", "\x0b"])
def test_a_token_with_an_invisible_character_is_none(vendor, door, mark):
    for text in (vendor.token + mark, mark + vendor.token):
        refused(
            vendor.client.get("/api/v1/end-users", headers={"Authorization": f"Bearer {text}"}), 401, "unauthenticated"
        )


def test_a_media_type_that_is_none_is_not_repeated(vendor, door):
    headers = {"Authorization": f"Bearer {vendor.token}"}
    answer = vendor.client.put("/api/v1/end-users/customer-1", b"name=x", "a secret", headers=headers)
    assert "secret" not in refused(answer, 415, "unsupported_media_type")["detail"]


def test_a_bulk_import_names_its_own_media_type(vendor, door):
    detail = refused(vendor.post("/bulk", {}), 415, "unsupported_media_type")["detail"]
    assert detail == "This was sent as application/json. Send application/x-ndjson."


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"name": "a", "name": "b"}', "/name"),
        (b'{"attributes": {"a/b": 1, "a/b": 2}}', "/attributes/a~1b"),
        (b'{"grants": [{}, {"x": 1, "x": 1}]}', "/grants/1/x"),
        (b'{"name": "a", "name": "b", ', None),
    ],
)
def test_a_key_that_came_twice_is_named_by_its_place(vendor, door, body, pointer):
    headers = {"Authorization": f"Bearer {vendor.token}"}
    answer = vendor.client.put("/api/v1/end-users/customer-1", body, "application/json", headers=headers)
    refused(answer, 400, "invalid_request", pointer)


def test_another_method_is_told_those_that_go(vendor, door):
    detail = refused(vendor.call("PATCH", "/end-users/customer-1"), 405, "method_not_allowed")["detail"]
    assert detail == "This path takes GET, PUT."


def test_a_choice_names_its_choices_and_not_what_was_sent(vendor, door):
    problem = refused(vendor.get("/end-users?state=secret"), 400, "invalid_request", "?state")
    assert problem["errors"][0]["message"] == "Send one of: active, suspended."


def test_an_unknown_query_parameter_is_called_one(vendor, door):
    problem = refused(vendor.get("/end-users?stat=active"), 400, "invalid_request", "?stat")
    assert problem["errors"][0]["message"].startswith("There is no such parameter. There are: ")


def test_a_long_body_is_413(vendor, door):
    refused(vendor.put("/end-users/customer-1", {"name": "x" * 70_000}), 413, "too_large")


@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/*", "nonsense"])
def test_a_client_that_takes_no_json_is_406(vendor, door, accept):
    refused(vendor.get("/end-users", Accept=accept), 406, "not_acceptable")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/*;q=0.5", "text/html, application/json"])
def test_a_client_that_takes_json_among_others_is_heard(vendor, door, accept):
    assert vendor.get("/end-users", Accept=accept).status_code == 200


def test_a_body_where_none_is_taken_is_refused(vendor, door):
    answer = vendor.call("DELETE", "/end-users/customer-1/grants/int_abc123", {"reason": "x"})
    refused(answer, 400, "invalid_request", "")


def test_the_callers_request_id_is_in_header_and_document(vendor):
    answer = vendor.get("/end-users/nobody", X_Request_ID="call-12345678")
    assert refused(answer, 400, "invalid_request", "?platform")["request_id"] == "call-12345678"


def test_a_fault_of_ours_tells_nothing(vendor, door, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("secret-in-a-stack")

    monkeypatch.setattr(EndUser.objects, "select_related", broken)
    answer = vendor.get("/end-users")
    assert b"secret-in-a-stack" not in answer.content
    refused(answer, 500, "internal_error")


def test_the_limit_is_told_before_and_after_it_is_reached(vendor, db):
    from credservice.vendor_api.models import ServiceToken

    ServiceToken.objects.update(requests_per_minute=2)
    answers = [vendor.get("/end-users") for _ in range(3)]
    first, last = answers[0], answers[-1]
    assert first["RateLimit-Policy"] == '"token";q=2;w=60'
    assert re.fullmatch(r'"token";r=1;t=\d+', first["RateLimit"])
    refused(last, 429, "too_many_requests")
    assert last["RateLimit"].startswith('"token";r=0;')
    assert 1 <= int(last["Retry-After"]) <= 60


def test_every_problem_says_what_to_do():
    error = ServiceError("Something.", code="conflict")
    assert problem(error, "id")["action"] == KNOWN["conflict"][1]


def test_the_documents_table_has_every_problem():
    text = DOCS.read_text()
    rows = {match[2]: int(match[1]) for match in re.finditer(r"^\| (\d{3}) \| `(\w+)` \|", text, re.MULTILINE)}
    assert rows == {code: status for code, (status, _) in KNOWN.items()}
    assert TYPE in text

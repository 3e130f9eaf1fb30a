"""Bodies and queries that no honest platform sends."""

import json

import pytest

from exchange.models import Installation
from tests.support.exchange_factories import IDS


def post_raw(door, content, content_type="application/json"):
    return door.client.post(door.path, content, content_type=content_type, headers=door.signed())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"\xff\xfe{}",
        b'{"integrationId": NaN}',
        b'{"integrationId": Infinity}',
        b'{"x": 1e400}',
        b'{"integrationId": "a", "integrationId": "b"}',
        b'{"x": "\\ud800"}',
        b'{"x": "\\u0000"}',
        b'{"x": ' + b"[" * 20 + b"]" * 20 + b"}",
        b"[" * 60000,
        b'{"x": ' * 5000,
        b'{"x": ' + b"9" * 5000 + b"}",
        b"{}garbage",
    ],
)
def test_a_body_with_no_one_meaning_is_400(door, granted, body):
    response = door.post(body)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "x"])
def test_a_body_in_a_coding_is_415(door, granted, coding):
    headers = door.signed() | {"Content-Encoding": coding}
    response = door.client.post(door.path, json.dumps(IDS), content_type="application/json", headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("name", list(IDS))
@pytest.mark.parametrize("value", ["", None, 1, True, ["a"], {"a": "b"}, "x" * 256, "a\x00b"])
def test_an_id_that_is_no_id_is_400(door, granted, name, value):
    response = door.post(IDS | {name: value})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert Installation.objects.count() == 1


@pytest.mark.parametrize("name", list(IDS))
def test_a_missing_id_is_400_and_named(door, granted, name):
    response = door.post({key: value for key, value in IDS.items() if key != name})
    assert (response.status_code, response.json()["message"]) == (400, f"{name} is missing.")


def test_a_body_over_64_kib_is_413(door, granted):
    response = door.post(json.dumps(IDS | {"x": "x" * 65536}).encode())
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_body_over_64_kib_is_413_before_authentication(door):
    assert door.post(b" " * 65537, headers={}).status_code == 413


def test_a_body_of_64_kib_is_read(door, granted):
    body = json.dumps(IDS).encode()
    assert door.post(body + b" " * (65536 - len(body))).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_another_content_type_is_415(door, granted, content_type):
    response = post_raw(door, json.dumps(IDS).encode(), content_type)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_a_content_type_with_a_charset_is_read(door, granted):
    assert post_raw(door, json.dumps(IDS).encode(), "application/json; charset=utf-8").status_code == 200


def test_authentication_comes_before_the_body(door, granted):
    assert door.post(b"{", headers={}).status_code == 401


def test_ids_in_the_query_are_ignored_unless_allowed(door, granted):
    assert door.post({}, path=f"{door.path}?integrationId=int_abc123").status_code == 400


QUERY = "?endUserId=enduser_456def&installationId=install_xyz789"


def test_ids_come_from_the_query_where_the_body_lacks_them(door, granted):
    door.configure(ids_from_query=True)
    assert door.post({"integrationId": "int_abc123"}, path=door.path + QUERY).status_code == 200


def test_all_ids_come_from_the_query_of_a_request_without_a_body(door, granted):
    door.configure(ids_from_query=True)
    path = f"{door.path}{QUERY}&integrationId=int%5Fabc123"
    response = door.client.generic("POST", path, headers=door.signed(path))
    assert response.status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "?endUserId=enduser_other",
        "?endUserId=",
        "?endUserId=enduser_456def&endUserId=enduser_456def",
        "?endUserId=%ff",
        "?" + "&".join(f"a{n}=1" for n in range(40)),
    ],
)
def test_a_query_that_disagrees_or_cannot_be_read_is_400(door, granted, query):
    door.configure(ids_from_query=True)
    assert door.post(path=door.path + query).status_code == 400


def test_a_nul_in_the_query_is_400(door, granted):
    door.configure(ids_from_query=True)
    body = {key: value for key, value in IDS.items() if key != "endUserId"}
    assert door.post(body, path=f"{door.path}?endUserId=a%00b").status_code == 400

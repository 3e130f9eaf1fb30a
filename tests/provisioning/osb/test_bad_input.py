"""Bad requests over each route: no 5xx, JSON always, and nothing half done."""

import json

import pytest

from credservice.credentials.models import Credential
from provisioning.models import Operation, Resource, ResourceCredential
from tests.provisioning.osb.conftest import at, named, offer

BODIES = [
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"7",
    b"NaN",
    b"\xff",
    b"{}",
    b'{"service_id": 7, "plan_id": []}',
    b'{"service_id": "", "plan_id": ""}',
    b'{"service_id": "\\u0000", "plan_id": "\\ud800"}',
    b'{"service_id": "x", "plan_id": "y", "parameters": []}',
    b'{"service_id": "x", "plan_id": "y", "parameters": {"\\u0000": 1}}',
    b"[" * 5000,
    b'{"a":' * 5000,
    b'{"service_id": 1e999}',
]
PATHS = [at("x"), at("x", "y")]


def counts():
    return [model.objects.count() for model in (Resource, ResourceCredential, Credential, Operation)]


@pytest.mark.parametrize("raw", BODIES, ids=range(len(BODIES)))
def test_a_bad_body_is_400(platform, instance, small, raw):
    before = counts()
    for path in (*PATHS, at(instance), at(instance, "y")):
        for method in ("PUT", "PATCH"):
            answer = platform(method, path, raw=raw)
            if answer.status_code == 405:
                continue
            # An unknown instance may be told before the rest of the body is looked at.
            assert answer.status_code in (400, 404), (method, path)
            assert answer.json().keys() == {"error", "description"}
    assert counts() == before


@pytest.mark.parametrize(
    "parameters",
    [{"size": 0}, {"size": 11}, {"size": "3"}, {"size": True}, {"color": "green"}, {"color": None}, {"other": 1},
     {"messages": 1}, {"size": 1e300}, {"color": ["red"]}, {"color": {}}, {"x" * 5000: 1}],
)  # fmt: skip
def test_parameters_against_the_schema_are_400_and_say_which(platform, instance, small, parameters):
    before = counts()
    (name,) = parameters
    for answer in (
        platform.put(at("x"), offer(small, parameters=parameters)),
        platform.patch(at(instance), {"service_id": str(small.product_id), "parameters": parameters}),
    ):
        assert answer.status_code == 400
        assert name[:60] in answer.json()["description"]
    assert counts() == before


def test_an_unknown_service_or_plan_is_400(platform, small, large):
    for changes in ({"service_id": "x"}, {"plan_id": "x"}, {"service_id": str(small.pk)}, {"plan_id": "x" * 300}):
        answer = platform.put(at("x"), offer(small, **changes))
        assert (answer.status_code, answer.json()["error"]) == (400, "NotOffered")
    small.is_active = False
    small.save()
    assert platform.put(at("x"), offer(small)).status_code == 400
    assert counts() == [0, 0, 0, 0]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "a" * 300])
def test_another_content_type_is_400(platform, small, content_type):
    raw = json.dumps(offer(small)).encode()
    assert platform.put(at("x"), raw=raw, content_type=content_type).status_code == 400


def test_a_body_that_is_too_large_is_413(platform, small):
    answer = platform.put(at("x"), offer(small, context="x" * 70_000))
    assert (answer.status_code, answer.json()["error"]) == (413, "TooLarge")


@pytest.mark.parametrize("query", ["", "?service_id=x", "?plan_id=x", "?service_id=&plan_id=", "?service_id=%00"])
def test_a_delete_names_service_and_plan(platform, instance, binding, small, query):
    assert platform.delete(at(instance) + query).status_code == 400
    assert platform.delete(at(instance, binding) + query).status_code == 400


@pytest.mark.parametrize("value", ["", "True", "1", "yes", "%00"])
def test_accepts_incomplete_is_true_or_false(platform, instance, binding, small, value):
    query = f"accepts_incomplete={value}"
    for answer in (
        platform.put(f"{at('x')}?{query}", offer(small)),
        platform.put(f"{at(instance, 'y')}?{query}", offer(small)),
        platform.patch(f"{at(instance)}?{query}", {"service_id": str(small.product_id)}),
        platform.delete(at(instance) + named(small) + f"&{query}"),
        platform.delete(at(instance, binding) + named(small) + f"&{query}"),
    ):
        assert answer.status_code == 400
    assert counts() == [1, 1, 1, 0]


@pytest.mark.parametrize(
    "path",
    ["", "/", "/catalogue"] + [
        f"/service_instances{path}"
        for path in ("", "/", "//service_bindings/x", "/a/b", "/a/service_bindings", "/a/service_bindings/b/c")
    ],
)  # fmt: skip
def test_other_paths_are_404(platform, queue, path):
    for method in ("GET", "PUT", "POST", "DELETE"):
        answer = platform(method, path)
        assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


def test_other_methods_are_405(platform, instance):
    for method in ("POST", "HEAD", "OPTIONS", "TRACE", "PROPFIND"):
        answer = platform(method, at(instance))
        assert answer.status_code == 405

"""Asks every method of every route with and without the one scope that it needs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from credservice.vendor_api.base import UnknownRoute, VendorView
from credservice.vendor_api.models import Scope, ServiceToken
from credservice.vendor_api.operations import operation_of
from tests.vendor_api.client import Vendor, refused
from tests.vendor_api.routes import ROUTES

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes() -> Iterator[tuple[str, str, type[VendorView]]]:
    """Every method of every view below /api/v1, as Django has them."""
    for prefix, pattern in _patterns(get_resolver().url_patterns, ""):
        view: Any = getattr(pattern.callback, "cls", None)
        path = re.sub(r"\(\?P<(\w+)>(?:\[[^]]*\]|[^)])*\)", r"{\1}", prefix).replace("^", "").replace(r"/?\Z", "")
        if path.startswith("api/v1") and view is not UnknownRoute:
            yield from ((method, path.removeprefix("api/v1"), view) for method in METHODS if _has(view, method))


def _patterns(patterns: Any, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, here)
        else:
            yield here, pattern


def _has(view: Any, method: str) -> bool:
    return hasattr(view, method.lower())


def filled(path: str) -> str:
    """The path with something in each of its places."""
    return re.sub(r"\{(\w+)\}", lambda place: "1" if place[1] == "event" else "something", path)


def test_every_route_has_a_row():
    assert {(method, path) for method, path, _ in routes()} == set(ROUTES)


def test_every_route_asks_for_the_scope_of_its_row():
    asked = {}
    for method, path, view in routes():
        operation = operation_of(view, method)
        assert operation is not None, f"{method} {path} is not marked"
        asked[method, path] = operation.scope.value
    assert asked == ROUTES


def test_every_scope_is_good_for_something():
    assert set(ROUTES.values()) == set(Scope.values)


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_without_a_token_it_is_401(client, db, method, path):
    answer = client.generic(method, f"/api/v1{filled(path)}")
    refused(answer, 401, "unauthenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_with_every_other_scope_it_is_403(client, db, method, path):
    others = [scope for scope in Scope.values if scope != ROUTES[method, path]]
    body = refused(Vendor(client, scopes=others).call(method, filled(path)), 403, "missing_scope")
    assert ROUTES[method, path] in body["detail"]


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_with_its_scope_alone_it_is_heard(client, db, method, path):
    answer = Vendor(client, scopes=[ROUTES[method, path]]).call(method, filled(path))
    assert answer.status_code in (200, 201, 400, 404), answer.content


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_from_another_network_it_is_401(client, db, method, path):
    vendor = Vendor(client)
    ServiceToken.objects.update(networks=["203.0.113.0/24"])
    refused(vendor.call(method, filled(path)), 401, "unauthenticated")


@pytest.mark.parametrize("path", sorted({path for _, path in ROUTES}))
def test_another_method_is_405_and_says_which_there_are(vendor, path):
    known = {method for method, other in ROUTES if other == path}
    for method in {"GET", "PUT", "POST", "PATCH", "DELETE"} - known:
        answer = vendor.call(method, filled(path))
        refused(answer, 405, "method_not_allowed")
        assert set(answer["Allow"].split(", ")) == known


def test_what_a_token_was_not_given_is_in_the_trail(db, trail):
    reader = Vendor(scopes=[Scope.READ_CREDENTIALS], name="reader")
    reader.post("/leaks", {"text": "anything"})
    line = trail.one(action="vendor_api.call", outcome="refused")
    assert (line.actor, line.reason) == ("token:reader", "missing_scope")
    assert line.detail["scope"] == "credentials:report-leaks"

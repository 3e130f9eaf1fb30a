"""Each request has an id: the caller's where it has a sound form, in the answer, the log and the trail."""

import re

import pytest
import structlog

from credservice.http.context import RequestContextMiddleware, current_context, note

pytestmark = pytest.mark.urls("tests.http.failing")


@pytest.fixture
def seen(rf):
    """A request through the middleware alone; returns what its view saw."""
    contexts = []

    def view(request):
        from django.http import HttpResponse

        note(credential="c1")
        contexts.append((current_context(), structlog.contextvars.get_contextvars()))
        return HttpResponse()

    def send(**meta):
        response = RequestContextMiddleware(view)(rf.get("/", **meta))
        return *contexts[-1], response

    return send


@pytest.mark.parametrize("sent", ["12345678", "a" * 64, "req-2024.01_02-ABC", "0af7651916cd43dd8448eb211c80319c"])
def test_a_sound_id_is_kept(client, sent):
    assert client.get("/greeting", HTTP_X_REQUEST_ID=sent)["X-Request-ID"] == sent


@pytest.mark.parametrize(
    "sent", ["", "short", "a" * 65, "has space", "a\nb-injected", "é" * 10, '"><script>', "a,b,c,d,e"]
)
def test_any_other_is_replaced(client, sent):
    assert re.fullmatch(r"[0-9a-f]{32}", client.get("/greeting", HTTP_X_REQUEST_ID=sent)["X-Request-ID"])


def test_no_two_requests_have_one_id(client):
    assert len({client.get("/greeting")["X-Request-ID"] for _ in range(20)}) == 20


@pytest.mark.parametrize("path", ["/plain", "/nothing", "/fail/x"])
def test_a_failure_has_its_id_as_well(client, path):
    assert client.get(path, HTTP_X_REQUEST_ID="my-own-id")["X-Request-ID"] == "my-own-id"


def test_the_view_knows_id_source_and_facts(seen):
    context, logged, response = seen(HTTP_X_REQUEST_ID="my-own-id", REMOTE_ADDR="203.0.113.7")
    assert (context.request_id, context.source, context.facts) == ("my-own-id", "203.0.113.7", {"credential": "c1"})
    assert logged["request_id"] == response["X-Request-ID"] == "my-own-id"


def test_nothing_of_a_request_outlives_it(seen):
    seen(HTTP_X_REQUEST_ID="my-own-id")
    note(credential="of nobody")
    assert (current_context().request_id, current_context().facts) == ("", {})
    assert "request_id" not in structlog.contextvars.get_contextvars()
    assert seen()[0].facts == {"credential": "c1"}

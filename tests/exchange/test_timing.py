"""Checks that the time of a refusal tells nobody which platforms there are."""

import json

import pytest
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished
from django.db import close_old_connections, connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from exchange.models.refused_calls import RefusedCall

pytestmark = pytest.mark.django_db
BODY = json.dumps({"integrationId": "int_1", "installationId": "inst_1", "endUserId": "eu_1"}).encode()


@pytest.fixture
def handler():
    handler = BaseHandler()
    handler.load_middleware()
    return handler


def statements(handler, name, signature):
    """The kinds of statements before the answer, and after it, of a refused call."""
    environ = RequestFactory().generic("POST", f"/credential-exchange/{name}", BODY, "application/json").environ
    environ |= {"RAW_URI": environ["PATH_INFO"], "HTTP_X_SIGNATURE": signature, "HTTP_X_TIMESTAMP": "1700000000"}
    with CaptureQueriesContext(connection) as before:
        answer = handler.get_response(WSGIRequest(environ))
    assert answer.status_code == 401
    request_finished.disconnect(close_old_connections)  # as Django's own client does
    with CaptureQueriesContext(connection) as after:
        answer.close()
    request_finished.connect(close_old_connections)
    return [[each["sql"].split()[0] for each in some.captured_queries] for some in (before, after)]


@pytest.mark.parametrize("signature", ["0" * 64, "nonsense", ""])
def test_the_same_is_done_before_the_answer_for_known_and_unknown_platforms(door, handler, signature):
    known, unknown = statements(handler, "mindcloud", signature), statements(handler, "nobody", signature)
    assert known[0] == unknown[0] == ["SELECT"]
    assert RefusedCall.objects.count() == 1


def test_so_it_is_when_the_sample_of_one_of_them_is_full(door, handler, trail):
    for _ in range(70):
        statements(handler, "nobody", "0" * 64)
    assert statements(handler, "mindcloud", "0" * 64)[0] == statements(handler, "nobody", "0" * 64)[0] == ["SELECT"]
    assert trail.one(actor="unproven:mindcloud").reason == "wrong_signature"


def test_what_is_written_after_the_answer_names_its_request(door, client, trail):
    answer = client.post("/credential-exchange/mindcloud", BODY, content_type="application/json")
    line = trail.one(outcome="refused")
    assert (line.request_id, line.source) == (answer["X-Request-ID"], "127.0.0.1")

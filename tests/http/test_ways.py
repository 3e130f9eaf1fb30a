"""The ways of requests: partners' programs pass by the console's layers, and lose nothing that they need."""

import io

import pytest
from django.core.signals import request_finished
from django.db import connection

from credservice.handlers import Application
from credservice.http.context import after_answer
from credservice.http.views import json_answer
from exchange.views import ExchangeView


@pytest.fixture(scope="module")
def application():
    application = Application()
    application.load_middleware()
    return application


@pytest.fixture
def ask(application, transactional_db):
    """Call it as a server does; the status, the headers, and the answer, which is still to be closed."""

    def ask(path, host="testserver", method="POST"):
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "RAW_URI": path, "QUERY_STRING": "", "HTTP_HOST": host}
        environ |= {"SERVER_NAME": "testserver", "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": "0"}
        environ |= {"wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http"}
        begun = []
        answer = application(environ, lambda status, headers, _=None: begun.append((status, dict(headers))))
        return *begun[0], answer

    return ask


@pytest.mark.parametrize("path", ["/credential-exchange", "/v1/resources/x", "/api/v1/credentials"])
def test_a_door_has_the_headers_of_its_layers_and_none_of_the_consoles(ask, path):
    status, headers, answer = ask(path, method="PUT" if path.startswith("/v1") else "POST")
    content = b"".join(answer)
    answer.close()
    assert (status[:3], int(headers["Content-Length"])) == ("401", len(content))
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-ID"]
    assert not headers.keys() & {"Set-Cookie", "Content-Security-Policy", "X-Frame-Options"}


@pytest.mark.parametrize("path", ["/credential-exchange", "/api/v1/credentials", "/admin/"])
def test_a_host_that_is_not_ours_is_refused_on_both_ways(ask, path):
    status, _, answer = ask(path, host="elsewhere.example")
    answer.close()
    assert status == "400 Bad Request"


def test_a_cookie_of_a_doors_view_is_sent(ask, monkeypatch):
    """As single sign-on sets one, at /v1/sso."""

    def post(self, request, platform=""):
        response = json_answer({})
        response.set_cookie("session", "token", secure=True)
        return response

    monkeypatch.setattr(ExchangeView, "post", post)
    status, headers, answer = ask("/credential-exchange")
    answer.close()
    assert (status, headers["Set-Cookie"].strip()) == ("200 OK", "session=token; Path=/; Secure")


def test_what_is_left_for_after_the_answer_is_done_whatever_fails(ask, monkeypatch):
    done = []

    def post(self, request, platform=""):
        after_answer(lambda: done.append(1 // 0))
        after_answer(lambda: done.append("second"))
        raise RuntimeError

    monkeypatch.setattr(ExchangeView, "post", post)
    status, _, answer = ask("/credential-exchange")
    assert (status, done) == ("500 Internal Server Error", [])
    answer.close()
    assert done == ["second"]


def test_a_connection_that_failed_is_closed_with_the_answer(ask):
    connection.ensure_connection()
    connection.errors_occurred = True
    connection.connection.close()
    _, _, answer = ask("/credential-exchange/nobody")
    connection.errors_occurred = True
    broken = connection.connection
    broken.pgconn.finish()
    answer.close()
    assert connection.connection is None


def test_the_console_goes_djangos_own_way(ask):
    ended = []
    request_finished.connect(lambda **_: ended.append(True), weak=False, dispatch_uid="test")
    try:
        status, headers, answer = ask("/admin/", method="GET")
        answer.close()
    finally:
        request_finished.disconnect(dispatch_uid="test")
    assert (status[:3], ended) == ("302", [True])
    assert "X-Frame-Options" in headers

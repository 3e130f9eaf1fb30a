"""Headers as the production server reads them off the wire, into what the signature is checked over."""

import io
import json
from unittest.mock import Mock

import pytest
from django.test.client import ClientHandler
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create

from tests.provisioning.conftest import new_id, order

pytestmark = pytest.mark.django_db


def deliver(raw):
    """The application's answer to these bytes, read by gunicorn's own parser. Its socket is all that is missing."""
    config = Config()
    config.set("errorlog", "/dev/null")
    request = next(RequestParser(config, io.BytesIO(raw), ("127.0.0.1", 4711)))
    _, environ = create(request, Mock(), ("127.0.0.1", 4711), ("127.0.0.1", 8000), config)
    return ClientHandler()(dict(environ)).status_code


@pytest.fixture
def request_bytes(door, bear):
    """A signed PUT of a resource on the wire. ``lines`` are added to it, ``listed`` are signed as well."""

    def make(*lines, listed=()):
        resource_id = new_id()
        body = json.dumps(order(resource_id)).encode()
        headers = door.headers(body)
        names = [*headers, *(name for name, _ in listed)]
        values = headers | dict(listed) | {"x-signed-headers": " ".join(names)}
        signature = door.signature("PUT", f"/v1/resources/{resource_id}", values, names, body)
        sent = [*headers.items(), ("x-signed-headers", values["x-signed-headers"]), ("x-signature", signature), *lines]
        head = "".join(f"{name}: {value}\r\n" for name, value in sent)
        return f"PUT /v1/resources/{resource_id} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body

    return make


def test_a_signed_request_is_answered(request_bytes):
    assert deliver(request_bytes()) == 201


def test_values_of_a_repeated_signed_header_are_joined_as_the_document_says(request_bytes):
    sent = [("x-note", "one"), ("X-Note", " two ")]
    assert deliver(request_bytes(*sent, listed=[("x-note", "one, two")])) == 201


def test_a_comma_inside_one_value_stays_as_it_is(request_bytes):
    assert deliver(request_bytes(("x-note", "one,two"), listed=[("x-note", "one,two")])) == 201


def test_a_value_outside_of_ascii_is_signed_byte_for_byte(request_bytes):
    assert deliver(request_bytes(("x-note", "caf\xe9"), listed=[("x-note", "caf\xe9")])) == 201


@pytest.mark.parametrize("name", ["Date", "X-Signature", "X-Signed-Headers"])
@pytest.mark.parametrize("value", ["", "x", "2026-11-20T12:00:00Z"])
def test_a_repeated_header_of_the_signature_is_refused(request_bytes, name, value):
    assert deliver(request_bytes((name, value))) == 401


def test_a_changed_value_beside_a_signed_one_is_refused(request_bytes):
    sent = [("x-note", "one"), ("x-note", "two")]
    assert deliver(request_bytes(*sent, listed=[("x-note", "one")])) == 401


def test_underscores_do_not_stand_in_for_hyphens(request_bytes):
    raw = request_bytes().replace(b"x-signature:", b"x_signature:")
    assert deliver(raw) == 401


def test_an_underscored_header_changes_nothing(request_bytes):
    assert deliver(request_bytes(("x_signature", "x"), ("content_length", "1"))) == 201


def test_a_chunked_body_is_not_read_and_so_not_believed(request_bytes):
    head, _, body = request_bytes().partition(b"\r\n\r\n")
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"content-length"))
    chunked = b"%s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (head, len(body), body)
    assert deliver(chunked) == 401


def test_a_body_that_breaks_off_is_refused(request_bytes):
    assert deliver(request_bytes()[:-3]) == 401

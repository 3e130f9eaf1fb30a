"""Headers as the production server reads them off the wire, into what the signature is checked over."""

import json
import socket

import pytest
from django.test.client import ClientHandler

from credservice.serving.answers import environ_of, shared_environ
from credservice.serving.connections import Budget, Connection, Limits
from credservice.serving.heads import Malformed
from tests.provisioning.conftest import new_id, order

pytestmark = pytest.mark.django_db


def deliver(raw):
    """The application's answer to these bytes, as the server reads them off a socket; nothing follows them."""
    limits = Limits(body=100_000, chunked=65_536, long_bodies=Budget(0), unsent=Budget(0))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(raw)
        theirs.shutdown(socket.SHUT_WR)
        connection = Connection(ours, shared_environ(("127.0.0.1", "8000"), ("127.0.0.1", "4711")), limits)
        connection.receive()
        while (request := connection.next_request()) is None:
            connection.receive()
    return ClientHandler()(environ_of(request, connection.environ)).status_code


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


def test_a_chunked_body_is_signed_as_it_was_before_it_was_cut(request_bytes):
    head, _, body = request_bytes().partition(b"\r\n\r\n")
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"content-length"))
    chunked = b"%s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    assert deliver(chunked % (head, len(body), body)) == 201
    assert deliver(chunked % (head, len(body) - 1, body[:-1])) == 401


def test_a_body_that_breaks_off_is_refused(request_bytes):
    with pytest.raises(Malformed, match="EndedEarly"):
        deliver(request_bytes()[:-3])

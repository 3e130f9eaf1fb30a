"""PORT, BIND and VAR_DIR."""

import socket

import pytest

from credservice.devserver import Refusal
from credservice.devserver.layout import Layout
from tests.support.paths import ROOT


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_busy_port_is_refused_with_what_to_do(listener):
    with pytest.raises(Refusal, match=rf"Port {listener} .*PORT="):
        Layout(ROOT, "127.0.0.1", listener).require_free_port()


def test_a_port_that_another_server_shares_is_busy_too(free_port):
    with socket.create_server(("127.0.0.1", free_port), reuse_port=True), pytest.raises(Refusal, match="PORT="):
        Layout(ROOT, "127.0.0.1", free_port).require_free_port()


def test_a_free_port_is_accepted(free_port):
    Layout(ROOT, "127.0.0.1", free_port).require_free_port()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8000x", "٨٠٠٠"])
def test_what_is_no_port_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(Refusal, match="not a port"):
        Layout.from_environment()


def test_it_serves_on_loopback_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("BIND", raising=False)
    assert Layout.from_environment().address == "127.0.0.1"


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000/healthz"),
        ("[::1]", "http://[::1]:8000/healthz"),
        ("::", "http://[::1]:8000/healthz"),
    ],
)
def test_health_is_asked_at_an_address_that_is_served(monkeypatch, bind, url):
    monkeypatch.setenv("BIND", bind)
    monkeypatch.delenv("PORT", raising=False)
    assert Layout.from_environment().health_url == url


def test_commands_for_another_state_folder_name_it(monkeypatch):
    monkeypatch.setenv("VAR_DIR", "/srv/my state")
    assert Layout.from_environment().command("check") == "VAR_DIR='/srv/my state' .venv/bin/python manage.py check"
    monkeypatch.delenv("VAR_DIR")
    assert Layout.from_environment().command("check") == ".venv/bin/python manage.py check"

import time
from urllib.parse import quote

import psycopg
import pytest

from credservice.issuers.base import IssuerUnavailable
from credservice.issuers.options import OptionsError
from credservice.issuers.probes import ProbeFailed, check_probe, run_probe
from tests.issuers.test_postgresql_failures import refusing_with
from tests.support.http_server import Answer, http_server, raw_server, unused_port

NAMES = ("URL", "TOKEN")
SECRET = "s3cret-of-the-customer"
LOGIN = {"type": "postgresql", "value": "URL"}


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def http_probe(url, **changes):
    return {"type": "http", "url": url, "header": "Authorization: Bearer {TOKEN}"} | changes


@pytest.fixture
def url(vendor_server):
    """A role's connection URL at the vendor's server."""
    parts = psycopg.conninfo.conninfo_to_dict(vendor_server.conninfo())
    return (
        f"postgresql://{parts['user']}:{parts['password']}@/{parts['dbname']}?host={quote(str(parts['host']), safe='')}"
    )


def test_a_login_that_works_passes(url):
    run_probe(LOGIN, {"URL": url})


def test_a_login_with_a_wrong_password_fails(url):
    with pytest.raises(ProbeFailed, match="password authentication failed") as caught:
        run_probe(LOGIN, {"URL": url.replace("@/", f"{SECRET}@/")})
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_server_that_quotes_the_values_is_not_quoted():
    said = f"{SECRET} of {quote(SECRET)} and long-token-1"
    with raw_server(refusing_with(said)) as port:
        values = {
            "URL": f"postgresql://u:{quote(SECRET)}@127.0.0.1:{port}/app?sslmode=disable",
            "TOKEN": "long-token-1",
        }
        with pytest.raises(IssuerUnavailable) as caught:
            run_probe(LOGIN, values)
    assert str(caught.value).endswith("answered: [secret] of [secret] and [secret]")


def test_a_login_at_a_server_that_is_down_may_pass_later():
    with pytest.raises(IssuerUnavailable, match="Connection refused") as caught:
        run_probe(LOGIN, {"URL": f"postgresql://u:{SECRET}@127.0.0.1:{unused_port()}/app"})
    assert SECRET not in str(caught.value)


def test_a_login_at_a_server_that_never_answers_is_left_in_time(monkeypatch):
    monkeypatch.setattr("credservice.issuers.postgresql.connection.CONNECT_SECONDS", 1)
    started = time.monotonic()
    with raw_server(lambda _: time.sleep(20)) as port, pytest.raises(IssuerUnavailable):
        run_probe(LOGIN, {"URL": f"postgresql://u:p@127.0.0.1:{port}/app"})
    assert time.monotonic() - started < 5


def test_a_login_at_a_private_address_is_not_made(settings, url):
    settings.OUTGOING_ALLOWED_NETWORKS = []
    for value in (url, "postgresql://u:p@169.254.169.254/app", "postgresql://u:p@localhost/app"):
        with pytest.raises(ProbeFailed, match="not public"):
            run_probe(LOGIN, {"URL": value})


def test_parameters_that_name_files_are_left_out():
    """sslkey and passfile would be read from our disk."""
    value = f"postgresql://u:p@127.0.0.1:{unused_port()}/app?sslcert=/etc/passwd&passfile=/etc/passwd&hostaddr=10.0.0.1"
    with pytest.raises(IssuerUnavailable, match="Connection refused"):
        run_probe(LOGIN, {"URL": value})


@pytest.mark.parametrize(
    "value",
    [
        "",
        "host=a password=b",
        "https://a.example/",
        "postgresql:///app",
        "postgresql://h:x/",
        "postgresql:///app?host=/nowhere,10.0.0.1",
    ],
)
def test_a_value_that_is_no_connection_url_fails(value):
    with pytest.raises(ProbeFailed, match="no connection URL"):
        run_probe(LOGIN, {"URL": value})


def test_a_request_with_the_value_passes():
    with http_server(lambda _: Answer()) as server:
        run_probe(http_probe(server.url + "/me"), {"TOKEN": SECRET})
    (got,) = server.received
    assert (got.method, got.path, got.headers["authorization"]) == ("GET", "/me", f"Bearer {SECRET}")


def test_another_status_may_be_expected():
    with http_server(lambda _: Answer(204, b"")) as server:
        run_probe(http_probe(server.url, expect=204), {"TOKEN": SECRET})


@pytest.mark.parametrize("status", [401, 403, 302, 201])
def test_another_status_than_the_expected_fails(status):
    answer = Answer(status, b"", {"Location": "/login"})
    with http_server(lambda _: answer) as server, pytest.raises(ProbeFailed, match=f"answered {status}") as caught:
        run_probe(http_probe(server.url), {"TOKEN": SECRET})
    assert SECRET not in str(caught.value)


def test_a_server_that_is_down_or_busy_may_pass_later():
    with pytest.raises(IssuerUnavailable):
        run_probe(http_probe(f"http://127.0.0.1:{unused_port()}"), {"TOKEN": SECRET})
    with http_server(lambda _: Answer(503, b"")) as server, pytest.raises(IssuerUnavailable):
        run_probe(http_probe(server.url), {"TOKEN": SECRET})


def test_a_request_to_a_private_address_is_not_made(settings):
    with http_server(lambda _: Answer()) as server:
        settings.OUTGOING_ALLOWED_NETWORKS = []
        with pytest.raises(ProbeFailed, match="not public"):
            run_probe(http_probe(server.url), {"TOKEN": SECRET})
    assert server.received == []


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "schlüssel", "\x00"])
def test_a_value_that_no_header_can_hold_fails(value):
    with http_server(lambda _: Answer()) as server, pytest.raises(ProbeFailed, match="cannot stand in a header"):
        run_probe(http_probe(server.url), {"TOKEN": value})
    assert server.received == []


@pytest.mark.parametrize(
    "probe",
    [
        LOGIN,
        http_probe("https://api.example.com/me"),
        http_probe("https://api.example.com/me", header="X-Key: {TOKEN}.{URL}", expect=404),
    ],
)
def test_sound_probes_pass(probe):
    check_probe(probe, NAMES)


@pytest.mark.parametrize(
    ("probe", "phrase"),
    [
        ([], '"type", one of http, postgresql'),
        ({}, '"type", one of'),
        ({"type": "ping"}, '"type", one of'),
        ({"type": []}, '"type", one of'),
        ({"type": "postgresql"}, "value must name"),
        ({"type": "postgresql", "value": "OTHER"}, "value must name"),
        ({"type": "postgresql", "value": ["URL"]}, "value must name"),
        (LOGIN | {"url": "x"}, "unknown option 'url'"),
        (http_probe("ftp://a"), "url must begin"),
        (http_probe(None), "url must begin"),
        (http_probe("https://a.example", header=None), "header must be"),
        (http_probe("https://a.example", header="Authorization {TOKEN}"), "header must be"),
        (http_probe("https://a.example", header="A: {TOKEN}\r\nB: c"), "header must be"),
        (http_probe("https://a.example", header="Host: {TOKEN}"), "header must be"),
        (http_probe("https://a.example", header="A: b"), "header must name"),
        (http_probe("https://a.example", header="A: {OTHER}"), "header must name"),
        (http_probe("https://a.example", expect=503), "expect must be"),
        (http_probe("https://a.example", expect=True), "expect must be"),
        (http_probe("https://a.example", expect="200"), "expect must be"),
    ],
)
def test_probes_that_cannot_be_run_are_refused(probe, phrase):
    with pytest.raises(OptionsError, match=phrase):
        check_probe(probe, NAMES)

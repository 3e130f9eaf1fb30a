"""Finds who called: nobody can speak for another address but a trusted proxy."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from credservice.http.client_address import client_address, is_within, network_address, networks_of, parse_networks
from credservice.http.context import RequestContextMiddleware

PROXIES = ["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.1"]


def address(peer, forwarded=None, **headers):
    meta = {"REMOTE_ADDR": peer} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    return client_address(RequestFactory().get("/", **meta, **headers))


@pytest.fixture
def _proxies(settings):
    settings.TRUSTED_PROXIES = PROXIES


@pytest.mark.parametrize("forwarded", ["203.0.113.9", "10.1.1.1", "", "203.0.113.9, 10.1.1.1"])
def test_without_trusted_proxies_nobody_is_believed(settings, forwarded):
    settings.TRUSTED_PROXIES = []
    assert address("198.51.100.1", forwarded) == "198.51.100.1"


@pytest.mark.usefixtures("_proxies")
@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        # A stranger says what it likes.
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("198.51.100.1", "10.1.1.1", "198.51.100.1"),
        # A proxy speaks for its client; what the client said before that counts for nothing.
        ("10.1.1.1", "203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", "192.0.2.99, 203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", "127.0.0.1,203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", "nonsense, 203.0.113.9", "203.0.113.9"),
        # A chain of proxies, to the first that is not one.
        ("10.1.1.1", "192.0.2.99, 203.0.113.9, 10.2.2.2, 192.0.2.1", "203.0.113.9"),
        ("2001:db8:1::5", "2001:db8:2::7", "2001:db8:2::7"),
        ("10.1.1.1", "2001:DB8:2:0::7", "2001:db8:2::7"),
        ("::ffff:10.1.1.1", "203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", "::ffff:203.0.113.9", "203.0.113.9"),
        # All of them proxies: the outermost.
        ("10.1.1.1", "10.2.2.2", "10.2.2.2"),
        # Nothing: the proxy itself.
        ("10.1.1.1", None, "10.1.1.1"),
        # With its port, as some gateways write it.
        ("10.1.1.1", "203.0.113.9:51234", "203.0.113.9"),
        ("10.1.1.1", "[2001:db8:2::7]:4711", "2001:db8:2::7"),
        ("10.1.1.1", "[2001:db8:2::7]", "2001:db8:2::7"),
        ("10.1.1.1", "203.0.113.9:51234, 10.2.2.2:80", "203.0.113.9"),
        # A hop that cannot be read is nobody, and never the hop before it.
        ("10.1.1.1", "", None),
        ("10.1.1.1", "unknown", None),
        ("10.1.1.1", "_hidden", None),
        ("10.1.1.1", "203.0.113.9, nonsense", None),
        ("10.1.1.1", "203.0.113.9, nonsense, 10.2.2.2", None),
        ("10.1.1.1", "203.0.113.9,", None),
        ("10.1.1.1", "203.0.113.9:", None),
        ("10.1.1.1", "203.0.113.9:x", None),
        ("10.1.1.1", "[203.0.113.9:80", None),
        ("10.1.1.1", "0x7f000001", None),
        ("10.1.1.1", "203.0.113.010", None),
        # Behind a unix socket the peer is whoever may open it.
        ("", "203.0.113.9", "203.0.113.9"),
        ("", None, None),
        ("", "nonsense", None),
    ],
)
def test_it_is_the_nearest_address_that_is_no_proxy(peer, forwarded, client):
    assert address(peer, forwarded) == client


@pytest.mark.usefixtures("_proxies")
@pytest.mark.parametrize("header", ["HTTP_CLIENT_IP", "HTTP_X_CLIENT_IP"])
def test_no_other_header_is_believed(header):
    assert address("10.1.1.1", None, **{header: "203.0.113.9"}) == "10.1.1.1"


@pytest.mark.usefixtures("_proxies")
@pytest.mark.parametrize("header", ["HTTP_FORWARDED", "HTTP_X_REAL_IP"])
def test_a_proxy_that_names_its_caller_elsewhere_speaks_for_nobody(header):
    assert address("10.1.1.1", None, **{header: "for=203.0.113.9"}) is None
    assert address("10.1.1.1", "203.0.113.9", **{header: "for=10.9.9.9"}) == "203.0.113.9"


@pytest.mark.usefixtures("_proxies")
@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_X_FORWARDED_FOR": "203.0.113.7:51234"},
        {"HTTP_X_FORWARDED_FOR": "[2001:db8::1]:4711"},
        {"HTTP_X_FORWARDED_FOR": "unknown"},
        {"HTTP_FORWARDED": "for=203.0.113.7"},
    ],
)
def test_a_caller_behind_a_proxy_is_not_in_the_proxys_network(headers):
    request = RequestFactory().get("/", REMOTE_ADDR="10.1.1.1", **headers)
    assert not is_within(network_address(request), parse_networks(("10.0.0.0/8",)))


@pytest.mark.usefixtures("_proxies")
def test_a_link_local_address_has_no_zone():
    assert address("fe80::1%eth0") == "fe80::1"
    assert address("10.1.1.1", "fe80::1%25eth0") == "fe80::1"


def test_no_address_without_a_peer(settings):
    settings.TRUSTED_PROXIES = []
    assert address("") is None
    assert not is_within(None, parse_networks(("0.0.0.0/0", "::/0")))


@given(st.text(), st.text())
def test_any_text_has_an_answer(peer, forwarded):
    client_address(RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded))


@pytest.mark.parametrize(
    ("text", "inside"),
    [("203.0.113.7", True), ("203.0.114.7", False), ("::ffff:203.0.113.7", True), ("2001:db8::1", True), ("x", False)],
)
def test_networks_hold_addresses_of_both_families(text, inside):
    assert is_within(text, parse_networks(("203.0.113.0/24", "2001:db8::/32"))) is inside


@pytest.mark.parametrize("text", ["", "*", "10.0.0.0/33", "example.com", "10.0.0", "10.0.0.0/8/8"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_networks((text,))


@pytest.mark.parametrize(("peer", "secure"), [("10.1.1.1", True), ("198.51.100.1", False), ("", True)])
def test_only_a_proxy_says_that_a_request_came_by_tls(peer, secure, settings):
    settings.TRUSTED_PROXIES = PROXIES
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO="https")
    RequestContextMiddleware(lambda _: HttpResponse())(request)
    assert request.is_secure() is secure


@pytest.mark.parametrize(
    ("source", "counted"),
    [
        ("203.0.113.9", ("203.0.113.9",)),
        ("2001:db8:1:2:3:4:5:6", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("2001:db8:1:2::1", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        (None, ("unknown",)),
    ],
)
def test_a_caller_is_counted_by_its_address_or_its_ipv6_networks(source, counted):
    assert networks_of(source) == counted

"""Refuses what an env file, a copied address or an editor has put around a setting."""

import pytest

from credservice.core.setting_forms import fault_of_host, fault_of_origin, fault_of_text, fault_of_url

URL = "https://credentials.example.com"


@pytest.mark.parametrize("host", ["credentials.example.com", "localhost", "10.0.0.1", "[::1]", "xn--bcher-kva.example"])
def test_a_host_is_a_name_or_an_address(host):
    assert fault_of_host(host) is None
    assert fault_of_url(f"https://{host}") is None


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ('"credentials.example.com"', "in quotes"),
        ("'credentials.example.com", "in quotes"),
        (URL, "a scheme or a path"),
        ("credentials.example.com/", "a scheme or a path"),
        ("credentials.example.com:443", "ends with a port"),
        ("[::1]:8000", "ends with a port"),
        ("::1", "stands in brackets: [::1]"),
        ("bücher.example", "punycode"),
        ("a b", "a blank"),
        ("credentials.example.com\r", "a line break"),
        ("credentials.example.com\u200b", "an invisible character"),
        ("credentials.example.com.", "no host name"),
        ("a_b", "no host name"),
        ("", "no host name"),
    ],
)
def test_anything_else_is_none(host, fault):
    assert fault in fault_of_host(host)


@pytest.mark.parametrize("url", [URL, f"{URL}:8443", f"{URL}/below", "http://localhost:8000", "https://[::1]:8000"])
def test_an_address_has_a_scheme_and_a_host(url):
    assert fault_of_url(url) is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (f'"{URL}"', "in quotes"),
        ("credentials.example.com", "must begin with https://"),
        ("credentials.example.com:443", "must begin with https://"),
        ("ftp://credentials.example.com", "must begin with https://"),
        ("https://", "must begin with https://"),
        (f"{URL}:x", "cannot be read"),
        (f"{URL}:99999", "cannot be read"),
        ("https://[::1", "cannot be read"),
        ("https://u:p@credentials.example.com", "no user name"),
        (f"{URL}?a=b", "query"),
        (f"{URL}#", "fragment"),
        (f"{URL}\r", "a line break"),
        ("https://a_b", "names no host"),
    ],
)
def test_an_address_that_is_none_is_told(url, fault):
    assert fault in fault_of_url(url)


@pytest.mark.parametrize(
    ("origin", "fault"),
    [
        (URL, None),
        (f"{URL}:8443", None),
        ("https://*.example.com", None),
        (f"{URL}/", "must end after the host or the port"),
        ("credentials.example.com", "must begin with https://"),
    ],
)
def test_an_origin_ends_with_its_host(origin, fault):
    found = fault_of_origin(origin)
    assert found == fault or fault in found


@pytest.mark.parametrize(
    ("text", "is_told"), [('"a"', True), ("'a'", True), ("a", False), ("", False), ('"', False), ("$a", False)]
)
def test_quotes_around_a_text_are_told(text, is_told):
    assert bool(fault_of_text(text)) is is_told

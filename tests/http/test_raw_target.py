"""The request target, byte for byte as it was sent."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from credservice.http.raw_target import raw_target


def target(uri):
    return raw_target(RequestFactory().get("/decoded", RAW_URI=uri))


@pytest.mark.parametrize(
    ("uri", "path", "query"),
    [
        ("/v1/resources/a", "/v1/resources/a", ""),
        ("/a%2Fb/%C3%A9/%c3%a9", "/a%2Fb/%C3%A9/%c3%a9", ""),
        ("/a?", "/a", ""),
        ("/a?b=c&d=%20+", "/a", "b=c&d=%20+"),
        ("/a?b?c=d", "/a", "b?c=d"),
        ("//a/../b/./c;d", "//a/../b/./c;d", ""),
        ("/\xe9", "/\xe9", ""),
    ],
)
def test_nothing_is_decoded_or_tidied(uri, path, query):
    assert target(uri) == (path, query)


@pytest.mark.parametrize("uri", ["", "*", "http://localhost/a", "a", "/a#b", "/a?b#c"])
def test_a_target_that_is_no_path_has_none_to_sign(uri):
    assert target(uri) == ("", "")


def test_a_server_that_hides_the_target_is_refused():
    with pytest.raises(ImproperlyConfigured, match="Serve with the command"):
        raw_target(RequestFactory().get("/decoded"))

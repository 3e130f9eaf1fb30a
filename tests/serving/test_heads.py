"""The head of a request, as strictly as RFC 9112 allows."""

import pytest

from credservice.serving.heads import MAX_HEAD, Malformed, check_part, parse

HOST = "Host: a"


def head(line, *lines):
    return "".join(f"{each}\r\n" for each in (line, *lines)).encode("latin-1")


def get(*lines, target="/", version="1.1"):
    return parse(head(f"GET {target} HTTP/{version}", *lines))


def test_the_target_is_kept_as_it_was_sent_beside_the_decoded_path():
    read = get(HOST, target="/a%2Fb/%C3%A9;c?d=%20&e=/?")
    assert (read.target, read.path, read.query) == ("/a%2Fb/%C3%A9;c?d=%20&e=/?", "/a/b/\xc3\xa9;c", "d=%20&e=/?")


def test_an_absolute_target_names_its_path_and_has_to_name_its_host():
    assert get("Host: A:80", target="http://a:80/b?c").path == "/b"
    assert get("Host: a", target="http://a").path == "/"
    with pytest.raises(Malformed, match="InvalidTarget"):
        get(HOST, target="http://b/c")


@pytest.mark.parametrize("target", ["*", "a", "a:80", "ftp://a/b", "//", "http:/a"])
def test_another_form_of_target_is_refused_unless_it_is_a_path(target):
    if target == "//":
        assert get(HOST, target=target).path == "//"
        return
    with pytest.raises(Malformed, match="InvalidTarget"):
        get(HOST, target=target)


def test_fields_are_named_as_in_a_wsgi_environment_and_joined():
    read = get(HOST, "X-One: 1 ", "Content-Type:\ttext/plain\t", "x-one:\t2", "X-Two:", "x-latin: \xe9")
    assert read.fields == {
        "HTTP_HOST": "a",
        "HTTP_X_ONE": "1,2",
        "CONTENT_TYPE": "text/plain",
        "HTTP_X_TWO": "",
        "HTTP_X_LATIN": "\xe9",
    }


def test_a_field_with_an_underscore_stands_for_no_other():
    assert get(HOST, "X_One: 1", "Content_Length: 5", "SCRIPT_NAME: /a").fields == {"HTTP_HOST": "a"}


REFUSED = {
    "lower-case method": head("get / HTTP/1.1", HOST),
    "no version": head("GET /", HOST),
    "two spaces": head("GET  / HTTP/1.1", HOST),
    "a tab": head("GET\t/ HTTP/1.1", HOST),
    "a space in the target": head("GET /a b HTTP/1.1", HOST),
    "raw bytes": head("GET /\xe9 HTTP/1.1", HOST),
    "lower-case version": head("GET / http/1.1", HOST),
    "HTTP/1.9": head("GET / HTTP/1.9", HOST),
    "HTTP/2.0": head("GET / HTTP/2.0", HOST),
    "HTTP/1.10": head("GET / HTTP/1.10", HOST),
    "space at its end": head("GET / HTTP/1.1 ", HOST),
    "no host": head("GET / HTTP/1.1"),
    "two hosts": head("GET / HTTP/1.1", HOST, HOST),
    "no colon": head("GET / HTTP/1.1", HOST, "X"),
    "no name": head("GET / HTTP/1.1", HOST, ": x"),
    "space before the colon": head("GET / HTTP/1.1", HOST, "X : x"),
    "a folded field": head("GET / HTTP/1.1", HOST, "X: x", " y"),
    "folded at once": head("GET / HTTP/1.1", " Host: a"),
    "a name in another alphabet": head("GET / HTTP/1.1", HOST, "\xe9: x"),
    "NUL": head("GET / HTTP/1.1", HOST, "X: a\0b"),
    "DEL": head("GET / HTTP/1.1", HOST, "X: a\x7fb"),
    "bare LF": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n",
    "bare CR": b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n",
    "CR before a line end": b"GET / HTTP/1.1\r\nHost: a\r\r\n",
    "two content types": head("GET / HTTP/1.1", HOST, "Content-Type: a/b", "Content-Type: a/b"),
    "two equal lengths": head("GET / HTTP/1.1", HOST, "Content-Length: 1", "Content-Length: 1"),
    "two lengths in one": head("GET / HTTP/1.1", HOST, "Content-Length: 1, 1"),
    "signed length": head("GET / HTTP/1.1", HOST, "Content-Length: +1"),
    "length in other digits": head("GET / HTTP/1.1", HOST, "Content-Length: \xb2"),
    "length with an underscore": head("GET / HTTP/1.1", HOST, "Content-Length: 1_0"),
    "no length": head("GET / HTTP/1.1", HOST, "Content-Length:"),
    "endless length": head("GET / HTTP/1.1", HOST, "Content-Length: " + "9" * 30),
    "length and chunks": head("GET / HTTP/1.1", HOST, "Content-Length: 1", "Transfer-Encoding: chunked"),
    "chunks of HTTP/1.0": head("GET / HTTP/1.0", "Transfer-Encoding: chunked"),
    "chunked twice": head("GET / HTTP/1.1", HOST, "Transfer-Encoding: chunked, chunked"),
    "chunked in two fields": head("GET / HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "chunked first": head("GET / HTTP/1.1", HOST, "Transfer-Encoding: chunked, gzip"),
    "no chunked": head("GET / HTTP/1.1", HOST, "Transfer-Encoding: gzip"),
    "identity": head("GET / HTTP/1.1", HOST, "Transfer-Encoding: identity"),
    "no coding": head("GET / HTTP/1.1", HOST, "Transfer-Encoding:"),
    "chunked in a string": head("GET / HTTP/1.1", HOST, 'Transfer-Encoding: "chunked"'),
    "chunked with a vertical tab": head("GET / HTTP/1.1", HOST, "Transfer-Encoding: \x0bchunked"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(name):
    with pytest.raises(Malformed) as caught:
        parse(REFUSED[name])
    assert caught.value.status == "400 Bad Request"


@pytest.mark.parametrize(
    ("line", "lines", "status"),
    [
        ("GET / HTTP/1.1", [HOST, "Transfer-Encoding: gzip, chunked"], "501"),
        ("GET / HTTP/1.1", [HOST, "Transfer-Encoding: gzip", "Transfer-Encoding: chunked"], "501"),
        ("GET / HTTP/1.1", [HOST, "Expect: tea"], "417"),
        (f"GET /{'a' * 4090} HTTP/1.1", [HOST], "414"),
        ("GET / HTTP/1.1", [HOST, f"X: {'a' * 8190}"], "431"),
        ("GET / HTTP/1.1", [HOST] * 101, "431"),
    ],
)
def test_what_is_too_much_has_a_status_of_its_own(line, lines, status):
    with pytest.raises(Malformed) as caught:
        parse(head(line, *lines))
    assert caught.value.status.startswith(status)


@pytest.mark.parametrize(
    "part",
    [
        b"GET / HTTP/1.9\r\nHost",
        b"GET / HTTP/1.1\nHost",
        b"GET / HTTP/1.1\r\nHost: a\rb",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD,
        b"GET /" + b"a" * 5000,
        b"nonsense\r\n",
    ],
)
def test_a_part_that_no_more_bytes_can_mend_is_refused_at_once(part):
    with pytest.raises(Malformed):
        check_part(bytearray(part), 0)


@pytest.mark.parametrize("length", range(1, 30))
def test_a_part_of_a_sound_head_may_become_one(length):
    check_part(bytearray(b"GET / HTTP/1.1\r\nHost: localhost\r\n"[:length]), 0)


@pytest.mark.parametrize(
    ("version", "lines", "keeps"),
    [
        ("1.1", [], True),
        ("1.1", ["Connection: close"], False),
        ("1.1", ["Connection: TE, Close"], False),
        ("1.0", [], False),
        ("1.0", ["Connection: Keep-Alive"], True),
        ("1.0", ["Connection: keep-alive, close"], False),
    ],
)
def test_the_client_says_whether_its_connection_stays(version, lines, keeps):
    assert get(HOST, *lines, version=version).keeps is keeps

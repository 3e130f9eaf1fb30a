import time

import httpx2
import pytest

from credservice.http.outgoing import AddressRefused, AnswerRefused, check_header_secret, check_url, client
from tests.support.http_server import Answer, http_server, make_certificate, raw_server, unused_port


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def test_it_sends_and_receives():
    with http_server(lambda _: Answer(201, b'{"a": 1}')) as server, client() as http:
        answer = http.post(server.url + "/made?x=1", json={"b": 2})
    assert (answer.status_code, answer.json()) == (201, {"a": 1})
    assert (server.received[0].method, server.received[0].path) == ("POST", "/made?x=1")
    assert (server.received[0].body, server.received[0].headers["host"]) == (b'{"b":2}', f"127.0.0.1:{server.port}")


def test_it_refuses_a_private_address_before_it_connects(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = []
    with http_server(lambda _: Answer()) as server, client() as http, pytest.raises(AddressRefused):
        http.get(server.url)
    assert server.received == []


def test_it_connects_to_the_address_that_it_checked():
    """A name that changes between check and connection leads nowhere else: it is asked for once."""
    answers = [["127.0.0.1"], ["127.0.0.99"]]
    with http_server(lambda _: Answer()) as server, client(resolver=lambda *_: answers.pop(0)) as http:
        answer = http.get(f"http://rebinding.test:{server.port}/")
    assert answer.status_code == 200
    assert server.received[0].headers["host"] == f"rebinding.test:{server.port}"
    assert len(answers) == 1


def test_each_request_is_checked_anew(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    with http_server(lambda _: Answer()) as server, client(resolver=lambda *_: answers.pop(0)) as http:
        http.get(f"http://rebinding.test:{server.port}/")
        with pytest.raises(AddressRefused):
            http.get(f"http://rebinding.test:{server.port}/")


def test_it_follows_no_redirect():
    redirect = Answer(302, b"", {"Location": "http://127.0.0.1:1/"})
    with http_server(lambda _: redirect) as server, client() as http:
        assert http.get(server.url).status_code == 302
    assert len(server.received) == 1


def test_it_takes_no_proxy_from_the_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    with http_server(lambda _: Answer()) as server, client() as http:
        assert http.get(server.url).status_code == 200


def test_the_certificate_must_be_of_a_trusted_authority(tmp_path):
    context, _ = make_certificate(tmp_path, "127.0.0.1")
    with (
        http_server(lambda _: Answer(), context) as server,
        client() as http,
        pytest.raises(httpx2.ConnectError, match="its certificate is not trusted: self-signed"),
    ):
        http.get(server.url)
    assert server.received == []


def test_the_certificate_is_checked_against_the_name_not_the_address(tmp_path, settings):
    context, settings.OUTGOING_CA = make_certificate(tmp_path, "vendor.test")
    with http_server(lambda _: Answer(), context) as server, client(resolver=lambda *_: ["127.0.0.1"]) as http:
        assert http.get(f"https://vendor.test:{server.port}/").status_code == 200
        with pytest.raises(httpx2.ConnectError, match="its certificate is for another name"):
            http.get(f"https://other.test:{server.port}/")


@pytest.mark.parametrize("drip", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"], ids=["headers", "body"])
def test_a_server_that_drips_its_answer_is_left_at_the_deadline(drip):
    def talk(connection):
        connection.recv(4096)
        connection.sendall(drip)
        while True:
            time.sleep(0.05)
            connection.sendall(b"x")

    started = time.monotonic()
    with raw_server(talk) as port, client(seconds=0.4) as http, pytest.raises(httpx2.TimeoutException):
        http.get(f"http://127.0.0.1:{port}/")
    assert time.monotonic() - started < 2


def test_a_server_that_never_answers_is_left_at_the_deadline():
    with (
        raw_server(lambda _: time.sleep(3)) as port,
        client(seconds=0.3) as http,
        pytest.raises(httpx2.TimeoutException),
    ):
        http.get(f"http://127.0.0.1:{port}/")


def test_a_tls_server_that_never_shakes_hands_is_left_at_the_deadline():
    with (
        raw_server(lambda _: time.sleep(3)) as port,
        client(seconds=0.3) as http,
        pytest.raises(httpx2.TimeoutException),
    ):
        http.get(f"https://127.0.0.1:{port}/")


def test_an_answer_that_is_too_large_is_refused():
    with (
        http_server(lambda _: Answer(body=b"x" * 2000)) as server,
        client(max_bytes=1000) as http,
        pytest.raises(AnswerRefused, match="larger than 1000 bytes"),
    ):
        http.get(server.url)


def test_an_endless_answer_is_refused():
    def talk(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with raw_server(talk) as port, client() as http, pytest.raises(AnswerRefused):
        http.get(f"http://127.0.0.1:{port}/")


def test_endless_headers_are_refused():
    def talk(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    with raw_server(talk) as port, client(seconds=5) as http, pytest.raises(httpx2.TransportError):
        http.get(f"http://127.0.0.1:{port}/")


def test_a_compressed_answer_is_refused():
    compressed = Answer(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    with http_server(lambda _: compressed) as server, client() as http, pytest.raises(AnswerRefused):
        http.get(server.url)


def test_a_refused_connection_is_an_error_that_may_pass():
    with client() as http, pytest.raises(httpx2.TransportError):
        http.get(f"http://127.0.0.1:{unused_port()}/")


def test_what_is_no_http_is_an_error_that_may_pass():
    with (
        raw_server(lambda connection: connection.sendall(b"220 smtp\r\n")) as port,
        client() as http,
        pytest.raises(httpx2.TransportError),
    ):
        http.get(f"http://127.0.0.1:{port}/")


def test_an_unknown_name_is_an_error_that_may_pass():
    with client(resolver=lambda *_: []) as http, pytest.raises(httpx2.ConnectError, match=r"nowhere\.test"):
        http.get("http://nowhere.test/")


@pytest.mark.parametrize(
    ("url", "phrase"),
    [
        ("ftp://host/", "must begin with"),
        ("https:///x", "must name a host"),
        ("https://host:99999/", "port between"),
        ("https://user:secret@host/", "no user name"),
        ("https://host/#x", "no user name"),
        ("", "must begin with"),
        (None, "must begin with"),
        ("https://ho st/", "must name a host"),
    ],
)
def test_it_refuses_urls_that_cannot_work(url, phrase):
    with pytest.raises(ValueError, match=phrase) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)


def test_plain_http_urls_need_an_allowed_network(settings):
    assert check_url("http://host/") == "http://host/"
    settings.OUTGOING_ALLOWED_NETWORKS = []
    with pytest.raises(ValueError, match="plain http"):
        check_url("http://host/")


def test_each_failure_of_a_connection_is_told_apart(tmp_path, settings):
    context, pem = make_certificate(tmp_path, "vendor.test")
    causes = []
    with http_server(lambda _: Answer(), context) as tls, http_server(lambda _: Answer()) as plain:
        addresses = [
            f"http://vendor.test:{unused_port()}/",
            f"https://vendor.test:{tls.port}/",
            f"https://other.test:{tls.port}/",
            f"https://vendor.test:{plain.port}/",
        ]
        for url in addresses:
            settings.OUTGOING_CA = pem if "other" in url else ""
            with client(resolver=lambda *_: ["127.0.0.1"]) as http, pytest.raises(httpx2.ConnectError) as caught:
                http.get(url)
            causes.append(str(caught.value))
    assert causes == [
        "the connection was refused",
        "its certificate is not trusted: self-signed certificate",
        "its certificate is for another name",
        "it does not speak TLS at this port",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}),
        Answer(200, b"x" * 300_000),
        Answer(200, b"ok", {"Content-Encoding": "Identity"}),
        Answer(200, b"5\r\nhal", {"Transfer-Encoding": "chunked"}),
    ],
    ids=["gzip", "large", "Identity", "cut off"],
)
def test_where_the_status_decides_no_body_is_refused(answer):
    with http_server(lambda _: answer) as server, client(status_decides=True) as http:
        assert http.get(server.url).status_code == 200


@pytest.mark.parametrize("key", ["key ", "ke y", "key\n", "key\u200b", "k\u00e9y", "\ufeffkey", "key\x00"])
def test_a_secret_that_no_header_can_carry_is_refused(key):
    with pytest.raises(ValueError, match="no header can carry"):
        check_header_secret(key)

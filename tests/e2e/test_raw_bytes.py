"""Whatever bytes arrive: an answer in JSON, of a status that says whose fault it is, and never a 500."""

import json
import socket
import time
from dataclasses import dataclass

import httpx2
import pytest

BODY = b'{"integrationId":"int_abc123","installationId":"install_xyz789","endUserId":"enduser_456def"}'
HOST, TYPE, LENGTH = b"Host: localhost", b"Content-Type: application/json", b"Content-Length: %d" % len(BODY)
USUAL = (HOST, TYPE, LENGTH)
EXCHANGE, PROVIDER = b"POST /credential-exchange HTTP/1.1", b"PUT /v1/resources/abc HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked"


def request(line, *headers, body=BODY):
    return b"\r\n".join([line, *headers, b"Connection: close", b"", b""]) + body


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def send(service, content, *, then_end=False):
    """The one answer to these bytes; ``then_end``: nothing more is sent, as when a client dies."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=15) as connection:
        connection.sendall(content)
        if then_end:
            connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(line.split(" ")[1]), headers, body)


def check_json(answer, statuses):
    assert answer.status in statuses
    assert answer.headers["content-type"] == "application/json"
    text = answer.body if "content-length" in answer.headers else answer.body.split(b"\r\n")[1]
    assert isinstance(json.loads(text)["message"], str)


REFUSED_BY_US = {
    "unsigned": request(EXCHANGE, *USUAL),
    "unsigned, provider": request(PROVIDER, *USUAL),
    "two signatures": request(EXCHANGE, *USUAL, b"X-Signature: a", b"X-Signature: b"),
    "absolute target": request(b"POST http://localhost/credential-exchange HTTP/1.1", *USUAL),
    "another server's target": request(b"PUT http://evil.example/v1/resources/a HTTP/1.1", *USUAL),
    "fragment": request(b"POST /credential-exchange#a HTTP/1.1", *USUAL),
    "broken percent-encoding": request(b"PUT /v1/resources/%zz%9 HTTP/1.1", *USUAL),
    "encoded NUL": request(b"PUT /v1/resources/%00 HTTP/1.1", *USUAL),
    "encoded no UTF-8": request(b"PUT /v1/resources/%ff%fe HTTP/1.1", *USUAL),
    "encoded slash": request(b"PUT /v1/resources/a%2Fb HTTP/1.1", *USUAL),
    "encoded line end": request(b"PUT /v1/resources/a%0d%0ab HTTP/1.1", *USUAL),
    "encoded line end at the exchange": request(b"POST /credential-exchange/a%0a HTTP/1.1", *USUAL),
    "overlong id": request(b"PUT /v1/resources/" + b"a" * 3000 + b" HTTP/1.1", *USUAL),
    "dots": request(b"PUT /v1/../v1/resources/a HTTP/1.1", *USUAL),
    "double slashes": request(b"PUT //v1//resources/a HTTP/1.1", *USUAL),
    "no host, HTTP/1.0": request(b"POST /credential-exchange HTTP/1.0", TYPE, LENGTH),
    "no host": request(EXCHANGE, TYPE, LENGTH),
    "broken host": request(EXCHANGE, b"Host: a b", TYPE, LENGTH),
    "strange host": request(PROVIDER, b"Host: evil.example", TYPE, LENGTH),
    "latin-1 header": request(EXCHANGE, *USUAL, b"X-Signature: \xe9\xff", b"X-Timestamp: \xe9"),
    "underscore header": request(EXCHANGE, *USUAL, b"X_Signature: a"),
    "method override": request(EXCHANGE, *USUAL, b"X-HTTP-Method-Override: GET"),
    "upgrade": request(EXCHANGE, *USUAL, b"Upgrade: h2c"),
    "OPTIONS *": request(b"OPTIONS * HTTP/1.1", HOST, body=b""),
    "CONNECT": request(b"CONNECT localhost:80 HTTP/1.1", HOST, body=b""),
    "TRACE": request(b"TRACE /v1/resources/a HTTP/1.1", HOST, body=b""),
    "chunked, unsigned": request(PROVIDER, HOST, TYPE, CHUNKED, body=b"2\r\n{}\r\n0\r\n\r\n"),
    "no length": request(EXCHANGE, HOST, TYPE, body=b""),
}


@pytest.mark.parametrize("name", REFUSED_BY_US)
def test_odd_requests_are_refused_in_json(live_service, name):
    check_json(send(live_service, REFUSED_BY_US[name]), {400, 401, 404, 405})


MALFORMED = {
    "two hosts": (request(EXCHANGE, HOST, HOST, TYPE, LENGTH), 400),
    "one length twice": (request(EXCHANGE, *USUAL, LENGTH), 400),
    "two lengths": (request(EXCHANGE, *USUAL, b"Content-Length: 3"), 400),
    "two content types": (request(EXCHANGE, *USUAL, TYPE), 400),
    "length and chunks": (request(EXCHANGE, *USUAL, CHUNKED), 400),
    "negative length": (request(EXCHANGE, HOST, TYPE, b"Content-Length: -5"), 400),
    "signed length": (request(EXCHANGE, HOST, TYPE, b"Content-Length: +58"), 400),
    "another coding": (request(EXCHANGE, HOST, TYPE, b"Transfer-Encoding: gzip"), 400),
    "codings in layers": (request(EXCHANGE, HOST, TYPE, b"Transfer-Encoding: gzip, chunked"), 501),
    "broken chunk": (request(EXCHANGE, HOST, TYPE, CHUNKED, body=b"zz\r\n"), 400),
    "oversized chunk": (request(EXCHANGE, HOST, TYPE, CHUNKED, body=b"f" * 20 + b"\r\n"), 400),
    "bare LF behind a chunk's size": (request(EXCHANGE, HOST, TYPE, CHUNKED, body=b"2\n{}\r\n0\r\n\r\n"), 400),
    "bare LF behind a chunk": (request(EXCHANGE, HOST, TYPE, CHUNKED, body=b"2\r\n{}\n0\r\n\r\n"), 400),
    "broken trailer": (request(EXCHANGE, HOST, TYPE, CHUNKED, body=b"0\r\nX : a\r\n\r\n"), 400),
    "bare CR in a head": (EXCHANGE + b"\r\nHost: localhost\rX: a", 400),
    "bare LF in a head": (EXCHANGE + b"\nHost: localhost\n\n", 400),
    "HTTP/1.1 without host": (request(EXCHANGE, TYPE, LENGTH), 400),
    "HTTP/1.9": (request(b"POST /credential-exchange HTTP/1.9", *USUAL), 400),
    "raw bytes in the path": (request(b"PUT /v1/resources/\xe9 HTTP/1.1", *USUAL), 400),
    "raw bytes in the query": (request(b"GET /v1/resources/a/measures?\xe9 HTTP/1.1", HOST, body=b""), 400),
    "HTTP/3.0": (request(b"POST /credential-exchange HTTP/3.0", *USUAL), 400),
    "HTTP/0.9": (b"GET /v1/resources/a\r\n\r\n", 400),
    "a TLS greeting": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "lower-case method": (request(b"post /credential-exchange HTTP/1.1", *USUAL), 400),
    "NUL in a header": (request(EXCHANGE, *USUAL, b"X-Signature: a\x00b"), 400),
    "folded header": (request(EXCHANGE, *USUAL, b"X-Signature: a\r\n b"), 400),
    "space before the colon": (request(EXCHANGE, *USUAL, b"X-Signature : a"), 400),
    "long line": (request(b"POST /credential-exchange/" + b"a" * 9000 + b" HTTP/1.1", *USUAL), 414),
    "long header": (request(EXCHANGE, *USUAL, b"X-Signature: " + b"a" * 20_000), 431),
    "many headers": (request(EXCHANGE, *USUAL, *(b"X-%d: a" % n for n in range(200))), 431),
    "strange expectation": (request(EXCHANGE, *USUAL, b"Expect: tea"), 417),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_http_is_refused_in_json(live_service, name):
    content, status = MALFORMED[name]
    answer = send(live_service, content)
    check_json(answer, {status})
    assert answer.headers["connection"] == "close"


def test_a_malformed_request_is_not_quoted_in_the_log(live_service):
    send(live_service, request(EXCHANGE, *USUAL, b"X-Signature : hunter2-in-a-header"))
    assert "InvalidHeaderName" in live_service.log.read_text()
    assert "hunter2" not in live_service.log.read_text()


@pytest.mark.parametrize("line", [EXCHANGE, PROVIDER])
@pytest.mark.parametrize(
    "headers_and_body",
    [
        ((b"Content-Length: 70000",), b"x" * 70_000),
        ((b"Content-Length: 99999999999",), b""),
        ((CHUNKED,), b"%x\r\n%s\r\n0\r\n\r\n" % (70_000, b"x" * 70_000)),
    ],
    ids=["sent", "announced", "chunked"],
)
def test_a_large_body_is_413(live_service, line, headers_and_body):
    headers, body = headers_and_body
    check_json(send(live_service, request(line, HOST, TYPE, *headers, body=body)), {413})


def test_a_chunked_exchange_is_answered(live_service, mindcloud):
    signature = [f"{name}: {value}".encode() for name, value in mindcloud.headers("/credential-exchange").items()]
    chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, BODY[:10], len(BODY) - 10, BODY[10:])
    answer = send(live_service, request(EXCHANGE, HOST, CHUNKED, *signature, body=chunks))
    assert (answer.status, json.loads(answer.body)) == (200, {"apiKey": live_service.secret("example-api-key")})


@pytest.mark.parametrize(
    "body", [b"", BODY[:-1], BODY + BODY, b"null", b"[]", b"\xff\xfe", b'{"a":' * 9000, b"x" * 65_536]
)
def test_a_signed_exchange_with_a_bad_body_is_400(live_service, mindcloud, body):
    response = mindcloud.client.post(
        f"{mindcloud.url}/credential-exchange", content=body, headers=mindcloud.headers("/credential-exchange")
    )
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


def test_a_body_that_ends_early_is_refused(live_service, mindcloud):
    signature = [f"{name}: {value}".encode() for name, value in mindcloud.headers("/credential-exchange").items()]
    content = request(EXCHANGE, HOST, b"Content-Length: 200", *signature)
    check_json(send(live_service, content, then_end=True), {400})


def test_a_client_that_goes_away_is_no_error(live_service):
    before = live_service.log.stat().st_size
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", live_service.port)) as connection:
            connection.sendall(request(EXCHANGE, HOST, TYPE, b"Content-Length: 200"))
    time.sleep(0.5)
    assert httpx2.get(f"{live_service.base_url}/healthz").status_code == 200
    assert "rror" not in live_service.log.read_text()[before:]


def test_a_head_request_has_no_body(live_service):
    answer = send(live_service, request(b"HEAD /v1/resources/abc HTTP/1.1", HOST, body=b""))
    assert (answer.status, answer.body) == (405, b"")
    assert "sent body bytes" not in live_service.log.read_text()


def test_requests_in_one_connection_are_answered_in_order(live_service):
    content = (EXCHANGE + b"\r\n" + b"\r\n".join(USUAL) + b"\r\n\r\n" + BODY) * 3 + request(EXCHANGE, *USUAL)
    with socket.create_connection(("127.0.0.1", live_service.port), timeout=15) as connection:
        connection.sendall(content)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 401 Unauthorized") == 4

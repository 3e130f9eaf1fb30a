"""Connections: kept, pipelined, closed; and answers of every length."""

import contextlib
import json
import socket
import threading

import pytest

from credservice.serving import loop
from tests.serving.conftest import LIMITS, all_of
from tests.support.concurrency import until

GET, LAST = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def post(body, *, last=True, path=b"/", more=b""):
    close = b"Connection: close\r\n" if last else b""
    return b"POST %b HTTP/1.1\r\nHost: a\r\n%b%bContent-Length: %d\r\n\r\n%b" % (path, close, more, len(body), body)


def bodies(received):
    """The bodies of answers that say their length."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append(rest[:length])
        received = rest[length:]
    return found


def body(received):
    [only] = bodies(received)
    return only


def status(received):
    return int(received.split(b" ")[1])


def test_requests_of_one_connection_are_answered_in_order(serve, echo):
    sent = b"".join(GET % number for number in range(50)) + post(b"50", last=False) + LAST % 51
    answers = bodies(serve(echo).ask(sent))
    assert answers == [*(b"/%d" % number for number in range(50)), b"50", b"/51"]


def test_a_request_may_come_byte_by_byte(serve, echo):
    with serve(echo).connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"\r\n" + post(b"body"):
            client.send(bytes([byte]))
        assert body(all_of(client)) == b"body"


@pytest.mark.parametrize("size", [1, 65_536, 65_537, LIMITS["body"]])
def test_a_body_of_any_length_that_is_taken_arrives_whole(serve, echo, size):
    assert body(serve(echo).ask(post(b"x" * size))) == b"x" * size


def test_a_chunked_body_is_handed_over_with_its_length(serve, echo):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n"
    assert body(serve(echo).ask(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) == b"abcde"
    assert (echo.environs[0]["CONTENT_LENGTH"], echo.environs[0]["HTTP_TRANSFER_ENCODING"]) == ("5", "Chunked")


@pytest.mark.parametrize(
    ("framing", "length"),
    [
        (b"Content-Length: 1073741824\r\n\r\n", "1073741824"),
        (b"Transfer-Encoding: chunked\r\n\r\n10001\r\n", "65537"),
        (b"Transfer-Encoding: chunked\r\n\r\n8000\r\n" + b"x" * 32768 + b"\r\n8001\r\n", "65537"),
    ],
)
def test_one_that_is_too_long_is_told_to_the_application_unread(serve, echo, framing, length):
    answer = serve(echo).ask(b"POST /long HTTP/1.1\r\nHost: a\r\n" + framing)
    assert (body(answer), echo.environs[0]["CONTENT_LENGTH"]) == (b"/long", length)
    assert b"Connection: close" in answer


def test_long_bodies_have_one_place_for_all(serve, echo):
    """Keep long bodies which dawdle from filling the memory; it is given back when they go."""
    served = serve(echo, long_bodies=1_500_000)
    with contextlib.closing(served.connect(post(b"x" * 900_000)[:-1])) as first:
        until(lambda: served.long_bodies._left < 900_000)  # enough of it has arrived
        refused = served.ask(post(b"y" * 900_000))
        assert (status(refused), json.loads(body(refused))["code"]) == (503, "busy")
        assert b"Retry-After: 5" in refused
        assert body(served.ask(post(b"z" * 60_000))) == b"z" * 60_000
        first.sendall(b"x")
        assert body(all_of(first)) == b"x" * 900_000
    until(lambda: served.long_bodies._left == 1_500_000)  # a moment after the answer
    assert body(served.ask(post(b"y" * 900_000))) == b"y" * 900_000


def test_a_long_body_that_is_only_announced_keeps_nobody_out(serve, echo):
    served = serve(echo, long_bodies=1_500_000)
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(served.connect(post(b"x" * 900_000)[:200]))
        assert body(served.ask(post(b"y" * 900_000))) == b"y" * 900_000


def test_no_thread_is_lost_where_no_place_is_left(serve, echo, monkeypatch):
    """Of two threads that hear of one connection, the first may take the last place."""
    monkeypatch.setattr(loop, "MOST_CONNECTIONS", 30)
    served = serve(echo, threads=4)
    before = sum(thread.name.startswith("door-") for thread in threading.enumerate())
    for _ in range(6):
        with contextlib.ExitStack() as stack:
            for _ in range(80):
                client = stack.enter_context(contextlib.closing(socket.socket()))
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", served.port))
            assert body(served.ask(LAST % 1)) == b"/1"
    assert sum(thread.name.startswith("door-") for thread in threading.enumerate()) == before


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_an_answer_that_fails_on_its_way_breaks_off_and_does_not_look_whole(serve, version):
    def broken(environ, start_response):
        start_response("200 OK", [])
        yield b"one\n"
        yield b"two\n"
        raise RuntimeError

    with (
        serve(broken).connect(b"GET / HTTP/%b\r\nHost: a\r\n\r\n" % version) as client,
        pytest.raises(OSError, match="reset"),
    ):
        all_of(client)


def test_one_who_waits_for_the_word_is_told_to_go_on(serve, echo):
    request = post(b"body", more=b"Expect: 100-Continue\r\n")
    with serve(echo).connect(request[:-4]) as client:
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(request[-4:])
        assert body(all_of(client)) == b"body"


def test_one_who_announces_too_much_is_not(serve, echo):
    head = b"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n"
    assert serve(echo).ask(head).startswith(b"HTTP/1.1 200 OK")


def test_http_1_0_is_answered_and_closed_unless_it_asks(serve, echo):
    served = serve(echo)
    assert b"Connection: close" in served.ask(b"GET / HTTP/1.0\r\n\r\n")
    kept = served.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + LAST % 1)
    assert bodies(kept) == [b"/", b"/1"]


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: a\r\n", post(b"body")[:-1], b"GET /"])
def test_a_request_that_breaks_off_is_400(serve, echo, sent):
    answer = serve(echo).ask(sent, then_end=True)
    assert (status(answer), json.loads(body(answer))["code"]) == (400, "malformed_http")
    assert echo.environs == []


def test_one_who_only_closes_its_half_is_answered(serve, echo):
    assert body(serve(echo).ask(post(b"body"), then_end=True)) == b"body"


def test_nothing_behind_a_malformed_request_is_read(serve, echo):
    answers = serve(echo).ask(GET % 1 + b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n" + GET % 2)
    assert (bodies(answers)[0], len(bodies(answers))) == (b"/1", 2)
    assert [environ["PATH_INFO"] for environ in echo.environs] == ["/1"]


def test_a_refusal_arrives_though_more_was_sent(serve, echo):
    """Closed over unread bytes, a connection is reset and its answer lost."""
    answer = serve(echo).ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n" + b"x" * 300_000)
    assert status(answer) == 400


def stream(*parts, status="200 OK", headers=()):
    def application(environ, start_response):
        start_response(status, list(headers))
        return iter(parts)

    return application


def test_parts_of_unknown_length_are_sent_in_chunks(serve):
    received = serve(stream(b"one", b"", b"two")).ask(LAST % 0)
    assert received.partition(b"\r\n\r\n")[2] == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    assert b"Transfer-Encoding: chunked" in received


def test_to_http_1_0_they_end_with_the_connection(serve):
    received = serve(stream(b"one", b"two")).ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert received.partition(b"\r\n\r\n")[2] == b"onetwo"
    assert b"Connection: close" in received


def test_a_length_is_added_where_there_is_one_part(serve):
    assert body(serve(stream(b"one")).ask(LAST % 0)) == b"one"


@pytest.mark.parametrize("parts", [(b"one",), (b"one", b"two")])
@pytest.mark.parametrize(("method", "state"), [(b"HEAD", "200 OK"), (b"GET", "304 Not Modified"), (b"GET", "204 No")])
def test_what_has_no_body_gets_none(serve, parts, method, state):
    application = stream(*parts, status=state)
    received = serve(application).ask((GET % 0).replace(b"GET", method) + (LAST % 1).replace(b"GET", method))
    assert (received.count(state.encode()), received.count(b"one")) == (2, 0)


def broken(environ, start_response):
    raise RuntimeError("a secret")


def broken_header(environ, start_response):
    start_response("200 OK", [("X-Name", "a\r\nSet-Cookie: b")])
    return [b""]


def broken_header_too(environ, start_response):
    start_response("200 OK", [("X-Name", "a\rSet-Cookie: b")])
    return [b""]


@pytest.mark.parametrize("application", [broken, broken_header, broken_header_too])
def test_an_application_that_fails_is_500_in_json(serve, application, caplog):
    answer = serve(application).ask(GET % 0)
    assert ("Error outside of the application" in caplog.text, "a secret" in caplog.text) == (True, False)
    assert (status(answer), json.loads(body(answer))["code"]) == (500, "internal_error")
    assert b"Set-Cookie" not in answer


def test_its_parts_are_closed_whatever_happens(serve):
    closed = []

    class Parts:
        def __iter__(self):
            return iter([b"x"])

        def close(self):
            closed.append(True)

    def application(environ, start_response):
        start_response("200 OK", [])
        return Parts()

    serve(application).ask(LAST % 0)
    assert closed == [True]


def test_the_client_is_named(serve, echo):
    with serve(echo).connect(LAST % 0) as client:
        here = client.getsockname()
        all_of(client)
    environ = echo.environs[0]
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("127.0.0.1", str(here[1]))


def test_nobody_moves_a_request_to_another_path_or_scheme(serve, echo):
    forged = b"GET /v1/admin/ HTTP/1.0\r\nSCRIPT_NAME: /v1\r\nX-Forwarded-Proto: https\r\n\r\n"
    serve(echo).ask(forged)
    environ = echo.environs[0]
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["wsgi.url_scheme"]) == ("", "/v1/admin/", "http")
    assert environ["HTTP_X_FORWARDED_PROTO"] == "https"


def test_where_all_places_are_taken_the_idle_ones_go(serve, echo, monkeypatch):
    monkeypatch.setattr(loop, "MOST_CONNECTIONS", 20)
    served = serve(echo)
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            client = stack.enter_context(served.connect(GET % 1))
            assert status(client.recv(65536)) == 200


def test_an_error_of_the_server_costs_one_connection(serve, echo, monkeypatch):
    served = serve(echo)
    with monkeypatch.context() as broken:
        broken.setattr(loop, "Answer", None)
        for _ in range(10):
            assert not served.ask(GET % 1)
    assert body(served.ask(LAST % 2)) == b"/2"

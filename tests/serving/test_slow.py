"""Clients that dawdle hold no thread, and not for ever."""

import contextlib
import time

import pytest

from credservice.serving import answers, connections, loop
from tests.serving.conftest import LIMITS, all_of
from tests.serving.test_loop import GET, LAST, body, post, status

HELD = b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
MANY = 200


def hurry(monkeypatch):
    """A service of little patience."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(loop, "LINGER_SECONDS", 0.3)


def drip(client, content):
    """Send this again and again, until nobody takes it any more."""
    end = time.monotonic() + 5
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < end:
            client.sendall(content)
            time.sleep(0.02)


@pytest.mark.parametrize("begun", [b"", b"G", GET % 1 + b"GET", post(b"body")[:-1], post(b"x" * 100_000)[:-1]])
def test_many_that_send_slowly_hold_nobody_up(serve, echo, begun):
    served = serve(echo, long_bodies=MANY * 100_000)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect(begun)) for _ in range(MANY)]
        for _ in range(5):
            assert status(served.ask(HEALTH)) == status(served.ask(LAST % 1)) == 200
        assert len(clients) == MANY


# More than the kernel takes off a server's hands for a client, and than it does at most.
ANSWERS = {"/long": b"x" * 5_000_000, "/longest": b"x" * 20_000_000}


def long_answer(environ, start_response):
    start_response("200 OK", [])
    return [ANSWERS.get(environ["PATH_INFO"], b"short")]


def test_many_that_read_slowly_hold_nobody_up(serve):
    served = serve(long_answer)
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            client = stack.enter_context(served.connect(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n", little=True))
            assert client.recv(1) == b"H"
        for _ in range(5):
            assert body(served.ask(LAST % 1)) == b"short"


def test_one_that_reads_slowly_gets_all_in_the_end(serve):
    with serve(long_answer).connect(
        b"GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", little=True
    ) as client:
        received = bytearray()
        while block := client.recv(20_000):
            received += block
    assert body(bytes(received)) == ANSWERS["/long"]


def all_until_reset(client):
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while block := client.recv(65536):
            received += block
    return received


def test_what_slow_readers_leave_may_not_fill_the_memory(serve):
    """It is given back as it is taken, and where a client goes."""
    served = serve(long_answer, unsent=19_000_000)
    longest = b"GET /longest HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    for _ in range(3):
        with served.connect(longest, little=True) as first, served.connect(longest, little=True) as second:
            assert first.recv(1) + second.recv(1) == b"HH"
            least, most = sorted((len(all_until_reset(first)), len(all_until_reset(second))))
        assert least < len(ANSWERS["/longest"]) < most
        assert body(served.ask(longest)) == ANSWERS["/longest"]


def endless(environ, start_response):
    """As an export of everything; a short answer elsewhere."""
    start_response("200 OK", [])
    return iter(lambda: b"x" * 100_000, None) if environ["PATH_INFO"] == "/all" else [b"short"]


def test_long_streams_leave_threads_to_others(serve, monkeypatch):
    """Some may wait for their clients in a thread; of more than those, the answer breaks off."""
    monkeypatch.setattr(answers, "MOST_UNSENT", 200_000)
    served = serve(endless, threads=4)
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            client = stack.enter_context(served.connect(b"GET /all HTTP/1.1\r\nHost: a\r\n\r\n", little=True))
            assert client.recv(1) == b"H"
        for _ in range(5):
            assert body(served.ask(LAST % 1)) == b"short"


def test_health_is_answered_while_every_thread_is_busy(serve, echo):
    served = serve(echo, threads=2)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(served.connect(HELD)) for _ in range(2)]
        assert echo.arrived.acquire(timeout=10)
        assert echo.arrived.acquire(timeout=10)
        waits = stack.enter_context(served.connect(LAST % 1))
        for _ in range(20):
            assert body(served.ask(HEALTH)) == b"/healthz"
        assert "/1" not in [environ["PATH_INFO"] for environ in echo.environs]
        echo.let_go.set()
        assert body(all_of(waits)) == b"/1"
        for client in held:
            client.sendall(LAST % 2)
            assert all_of(client).count(b"200 OK") == 2


def test_no_more_work_at_a_time_than_there_are_threads(serve, echo):
    served = serve(echo, threads=2)
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(served.connect(HELD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))
            for _ in range(6)
        ]
        assert echo.arrived.acquire(timeout=10)
        assert echo.arrived.acquire(timeout=10)
        assert not echo.arrived.acquire(timeout=0.2)
        echo.let_go.set()
        assert [body(all_of(client)) for client in clients] == [b"/held"] * 6


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", post(b"body")[:-1], GET % 1 + b"GET /"])
def test_whoever_does_not_get_on_is_cut_off(serve, echo, monkeypatch, begun):
    hurry(monkeypatch)
    started = time.monotonic()
    assert serve(echo).ask(begun).count(b"200 OK") == begun.count(b"GET /1")
    assert time.monotonic() - started < 3


def test_the_time_is_for_the_whole_request(serve, echo, monkeypatch):
    """Also where something arrives all the time."""
    hurry(monkeypatch)
    started = time.monotonic()
    with serve(echo).connect(post(b"x" * 100_000)[:-90_000]) as client:
        drip(client, b"x")
    assert time.monotonic() - started < 3
    assert echo.environs == []


def test_the_time_is_for_the_whole_answer(serve, monkeypatch):
    """Also where a little of it is taken all the time."""
    hurry(monkeypatch)
    started, ask = time.monotonic(), b"GET /longest HTTP/1.1\r\nHost: a\r\n\r\n"
    with serve(long_answer).connect(ask, little=True) as client, contextlib.suppress(ConnectionResetError):
        while client.recv(200):
            time.sleep(0.02)
    assert time.monotonic() - started < 10


def test_a_new_request_has_a_new_time(serve, echo, monkeypatch):
    hurry(monkeypatch)
    with serve(echo).connect() as client:
        for _ in range(4):
            time.sleep(0.15)
            client.sendall(GET % 1)
            assert status(client.recv(65536)) == 200


def test_work_is_not_cut_off(serve, echo, monkeypatch):
    hurry(monkeypatch)
    with serve(echo).connect(HELD) as client:
        assert echo.arrived.acquire(timeout=10)
        time.sleep(0.6)
        echo.let_go.set()
        assert status(client.recv(65536)) == 200


def test_a_client_that_goes_on_sending_after_its_last_answer_is_cut_off(serve, echo, monkeypatch):
    hurry(monkeypatch)
    started = time.monotonic()
    with serve(echo).connect(post(b"x" * (LIMITS["body"] + 1))) as client:
        drip(client, b"x" * 1000)
    assert time.monotonic() - started < 3

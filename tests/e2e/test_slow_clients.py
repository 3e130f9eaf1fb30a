"""A client that dawdles or dies in the middle of a request or answer holds a thread for a while, not for ever."""

import errno
import socket
import time

import pytest

from credservice.http import worker


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def slowly(reader):
    while reader.recv(1):
        time.sleep(0.02)


def sent_in_parts(writer, taker):
    for _ in range(100):
        writer.sendall(b"x" * 10_000)
        taker.recv(20_000)
        time.sleep(0.02)


def test_what_was_sent_is_read(pair):
    ours, theirs = pair
    theirs.sendall(b"GET / HTTP/1.1")
    assert worker.TimedReader(ours).recv(100) == b"GET / HTTP/1.1"


def test_the_end_of_a_connection_is_read(pair):
    ours, theirs = pair
    theirs.close()
    assert worker.TimedReader(ours).recv(100) == b""


@pytest.mark.parametrize("dripped", [b"", b"x" * 50])
def test_the_time_is_for_the_whole_request(pair, monkeypatch, dripped):
    """Also where something arrives all the time."""
    ours, theirs = pair
    monkeypatch.setattr(worker, "REQUEST_SECONDS", 0.2)
    theirs.sendall(dripped)
    reader, started = worker.TimedReader(ours), time.monotonic()
    with pytest.raises(ConnectionResetError) as caught:
        slowly(reader)
    assert caught.value.errno == errno.ECONNRESET
    assert time.monotonic() - started < 2


def test_a_new_request_has_a_new_time(pair, monkeypatch):
    ours, theirs = pair
    monkeypatch.setattr(worker, "REQUEST_SECONDS", 0.2)
    reader = worker.TimedReader(ours)
    time.sleep(0.25)
    reader.begin()
    theirs.sendall(b"x")
    assert reader.recv(1) == b"x"


def test_an_answer_is_sent_whole(pair):
    ours, theirs = pair
    worker.TimedWriter(ours).sendall(b"HTTP/1.1 200 OK")
    assert theirs.recv(100) == b"HTTP/1.1 200 OK"


def test_an_answer_that_nobody_takes_ends(pair, monkeypatch):
    ours, _ = pair
    monkeypatch.setattr(worker, "REQUEST_SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(ConnectionResetError) as caught:
        worker.TimedWriter(ours).sendall(b"x" * 10_000_000)
    assert caught.value.errno == errno.ECONNRESET
    assert time.monotonic() - started < 2


def test_the_time_is_for_the_whole_answer(pair, monkeypatch):
    """Also where a little of it is taken all the time."""
    ours, theirs = pair
    monkeypatch.setattr(worker, "REQUEST_SECONDS", 0.3)
    writer, started = worker.TimedWriter(ours), time.monotonic()
    with pytest.raises(ConnectionResetError):
        sent_in_parts(writer, theirs)
    assert time.monotonic() - started < 2

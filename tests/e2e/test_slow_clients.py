"""A client that dawdles or dies in the middle of a request holds a thread for a while, not for ever."""

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

"""Bytes of a connection: read the same however they arrive, and never as anything but requests or a refusal."""

import contextlib
import itertools
import socket

from hypothesis import given
from hypothesis import strategies as st

from credservice.serving.connections import Budget, Connection, Gone, Limits
from credservice.serving.heads import Malformed

LIMITS = Limits(body=2000, chunked=1000, long_bodies=Budget(10_000), unsent=Budget(10_000))
PIECES = st.sampled_from(
    [
        *(b"GET / HTTP/1.1\r\n", b"POST /a%2Fb?c HTTP/1.1\r\n", b"GET / HTTP/1.0\r\n", b"GET http://a/ HTTP/1.1\r\n"),
        *(b"Host: a\r\n", b"Host: a\r\n\r\n", b"Content-Length: 5\r\n\r\n", b"Content-Length: 2001\r\n\r\n"),
        *(b"Transfer-Encoding: chunked\r\n\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Connection: close\r\n"),
        *(
            b"5\r\nhello\r\n",
            b"0\r\n\r\n",
            b"0\r\nX: y\r\n\r\n",
            b"3e9\r\n",
            b"hello",
            b"\r\n",
            b"\r",
            b"\n",
            b" ",
            b":",
        ),
    ]
)
SENT = st.lists(PIECES | st.binary(max_size=4), max_size=14).map(b"".join)


def read(parts):
    """Return what is read of these parts, sent one after the other and then ended."""
    ours, theirs = socket.socketpair()
    found = []
    with ours, theirs:
        ours.setblocking(False)
        connection = Connection(ours, {}, LIMITS)
        try:
            for part in [*parts, None]:
                theirs.sendall(part) if part is not None else theirs.shutdown(socket.SHUT_WR)
                connection.receive()
                while request := connection.next_request():
                    found.append((request.head.target, request.body, request.length))
                    if request.is_cut or not request.head.keeps:
                        return found
        except Malformed as fault:
            found.append(fault.status)
        except Gone:
            found.append("end")
        finally:
            with contextlib.suppress(OSError):
                connection.close()
    return found


@given(SENT, st.lists(st.integers(0, 400), max_size=6))
def test_where_they_are_cut_on_their_way_makes_no_difference(sent, cuts):
    edges = sorted({0, *(min(cut, len(sent)) for cut in cuts), len(sent)})
    parts = [sent[start:end] for start, end in itertools.pairwise(edges)]
    assert read(parts) == read([sent] if sent else [])


@given(SENT)
def test_two_requests_are_never_read_as_one(sent):
    """Whatever comes before: each that was read begins where the one before it ended."""
    request = b"GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    first = b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(sent)
    assert read([first + sent + request]) == [("/first", sent, len(sent)), ("/second", b"", 0)]

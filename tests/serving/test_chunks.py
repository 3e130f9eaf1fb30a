"""A chunked body, however it arrives."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credservice.serving.chunks import Chunks
from credservice.serving.heads import Malformed

MOST = 1000


def taken(*parts):
    """The body that these make, and what they leave; None where it has not ended."""
    chunks, buffer = Chunks(MOST), bytearray()
    for part in parts:
        buffer += part
        if chunks.take(buffer):
            return (None if chunks.is_long else bytes(chunks.content)), bytes(buffer)
    return None


def framed(chunks):
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=10), st.lists(st.integers(0, 900), max_size=8))
def test_where_it_is_cut_on_its_way_makes_no_difference(chunks, cuts):
    sent = framed(chunks) + b"GET"
    edges = sorted({0, *(min(cut, len(sent)) for cut in cuts), len(sent)})
    buffer, body, ended = bytearray(), Chunks(MOST), False
    for start, end in itertools.pairwise(edges):
        buffer += sent[start:end]
        ended = ended or body.take(buffer)
    assert (ended, bytes(body.content), bytes(buffer)) == (True, b"".join(chunks), b"GET")


def test_extensions_and_trailers_are_read_over():
    assert taken(b'3;a="b"\r\nabc\r\n0\r\nX-Trailer: 1\r\nContent-Length: 5\r\n\r\nrest') == (b"abc", b"rest")


@pytest.mark.parametrize("sent", [b"3e9\r\n", framed([b"x" * 600, b"y" * 600]), b"fffffff\r\nabc"])
def test_one_that_is_too_long_ends_at_once(sent):
    body, _ = taken(sent)
    assert body is None


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n",
        b"-1\r\n",
        b"+3\r\nabc\r\n",
        b"0x3\r\nabc\r\n",
        b"zz\r\n",
        b" 3\r\nabc\r\n",
        b"123456789\r\n",
        b"fffffffffffffffff\r\n",
        b"3\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\n",
        b"3\r\nabcd",
        b"3\r\nabcX\n",
        b"3\r\nabc\rX",
        b"3;a\x00\r\n",
        b"3;a\rb",
        b"3" + b";" * 2000,
        b"0\r\n X: folded\r\n",
        b"0\r\nno colon\r\n",
        b"0\r\nX: a\x00\r\n",
        b"0\r\n" + b"X: %s\r\n" % (b"a" * 500) * 20,
        b"0\r\n\n",
    ],
)
def test_anything_else_than_its_grammar_is_refused_at_once(sent):
    with pytest.raises(Malformed):
        taken(sent)

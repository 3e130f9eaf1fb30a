"""The canonical form: equal lines alone have equal digests, whatever is in them."""

from hypothesis import given
from hypothesis import strategies as st

from credservice.audit.canonical import Digests, Part, encode, head_of

TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LINES = st.lists(TEXTS, max_size=6)


@given(LINES, LINES)
def test_two_sequences_are_encoded_alike_only_where_they_are_equal(one, other):
    assert (encode(one) == encode(other)) == (one == other)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=4), st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=4))
def test_two_runs_of_lines_have_one_digest_only_where_they_are_equal(one, other):
    assert (_parts(one) == _parts(other)) == (one == other)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=5, unique=True))
def test_the_order_of_lines_counts(lines):
    assert _parts(lines) != _parts(lines[::-1])


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_head_covers_each_fact_the_parts_and_the_head_before(facts):
    part, before = Part("2026-11", 3, "ab"), bytes(32)
    head = head_of(facts, [part], before)
    assert head != head_of([*facts[:-1], (facts[-1] or "") + "x"], [part], before)
    assert head != head_of(facts, [part, part], before)
    assert head != head_of(facts, [Part("2026-11", 4, "ab")], before)
    assert head != head_of(facts, [part], bytes(31) + b"\x01")


def test_nothing_and_an_empty_text_are_two_things():
    assert encode([None]) != encode([""])


def test_the_form_is_what_was_published():
    """A change of it would break every chain there is: such a one needs a new domain."""
    assert encode(["a", None, "é"]) == b"\x01\x00\x00\x00\x01a\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\xc3\xa9"
    digests = Digests()
    digests.add("2026-11", ("1", None, "{}"))
    (part,) = digests.parts()
    assert part.digest == "054043491002966207c74254204a2fac3ef4e4f53d494a52658ae8e29e642f5e"
    assert head_of(["1", "lines"], [part], bytes(32)).hex() == (
        "42131f78be8246d12851d7a10cfe0c42288e1b16f79ced8ac9395c5213bf92f7"
    )


def _parts(lines):
    digests = Digests()
    for line in lines:
        digests.add("2026-11", line)
    return digests.parts()

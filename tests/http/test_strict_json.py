"""JSON of partners: one meaning or none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credservice.http.strict_json import MAX_DEPTH, parse_object

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(10**300), 10**300) | st.floats(-1e307, 1e307)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(texts, values, max_size=5), st.booleans())
def test_a_sound_object_is_read_as_it_was_written(found, escaped):
    assert parse_object(json.dumps(found, ensure_ascii=escaped).encode()) == found


@given(st.binary(max_size=300))
def test_any_bytes_are_an_object_or_a_sentence(body):
    try:
        assert isinstance(parse_object(body), dict)
    except ValueError as error:
        assert str(error).startswith(("The body", "NaN"))  # noqa: PT017


@given(st.text(alphabet='{}[]",:\\u0dd8e1-+. tfn', max_size=80))
def test_anything_like_json_is_an_object_or_a_sentence(text):
    try:
        assert isinstance(parse_object(text.encode()), dict)
    except ValueError as error:
        assert str(error).startswith(("The body", "NaN"))  # noqa: PT017


def nested(depth, opening=b'{"a":', closing=b"}"):
    return opening * depth + b"1" + closing * depth


@pytest.mark.parametrize("body", [nested(MAX_DEPTH), b'{"a":' + nested(MAX_DEPTH - 1, b"[", b"]") + b"}"])
def test_sixteen_levels_are_read(body):
    assert parse_object(body)


@pytest.mark.parametrize(
    "body",
    [
        nested(MAX_DEPTH + 1),
        b'{"a":' + nested(MAX_DEPTH, b"[", b"]") + b"}",
        nested(10_000),
        b'{"a":' + b"[" * 60_000,
        b'{"a":' * 12_000,
    ],
)
def test_deeper_nesting_is_refused(body):
    with pytest.raises(ValueError, match=r"The body is (nested too deeply|not valid JSON, at line 1, column \d+)\."):
        parse_object(body)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "not valid JSON"),
        (b" ", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"{}{}", "not valid JSON"),
        (b'{"a":1,}', "not valid JSON"),
        (b"{'a':1}", "not valid JSON"),
        (b'{"a":01}', "not valid JSON"),
        (b'{"a":"\n"}', "not valid JSON"),
        (b'\xef\xbb\xbf{"a":1}', "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"1", "must be a JSON object"),
        (b'{"a":1,"a":1}', "same key twice"),
        (b'{"b":{"a":1,"a":2}}', "same key twice"),
        (b'{"b":[{"a":1,"\\u0061":2}]}', "same key twice"),
        (b'{"a":NaN}', "NaN and Infinity"),
        (b'{"a":[-Infinity]}', "NaN and Infinity"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":-1e999}', "too large"),
        (b'{"a":' + b"9" * 309 + b"}", "too large"),
        (b'{"a":' + b"9" * 60_000 + b"}", "too large"),
        (b'{"a":"\\ud800"}', "lone surrogate"),
        (b'{"\\udfff":1}', "lone surrogate"),
        (b'{"a":"\\ude00\\ud83d"}', "lone surrogate"),
        (b'{"a":"\\u0000"}', "NUL"),
        (b'{"a\\u0000":1}', "NUL"),
        (b'{"a":[{"b":"\\u0000"}]}', "NUL"),
        (b'{"a":"\x00"}', "not valid JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":"\xc0\xaf"}', "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        ('{"a":1}'.encode("utf-16-le"), "not valid JSON"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(body, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        parse_object(body)
    assert str(caught.value).endswith(".")


def test_what_is_no_json_is_told_with_its_place_and_without_its_content():
    with pytest.raises(ValueError, match="at line 2, column 10") as caught:
        parse_object(b'{\n "value" secret-1}')
    assert "secret" not in str(caught.value)


def test_a_pair_of_surrogates_is_a_character():
    assert parse_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_a_long_list_is_read():
    assert len(parse_object(b'{"a":[' + b"1," * 30_000 + b"1]}")["a"]) == 30_001

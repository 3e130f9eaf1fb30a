"""API keys: their form, their checksum, their randomness."""

import zlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from credservice.core.api_keys import ALPHABET, checksum, hint, is_well_formed, make_key

words = st.from_regex(r"\A[a-z][a-z0-9]{0,15}\Z")
keys = st.builds(make_key, words, words)


def test_the_form_is_prefix_environment_body_checksum():
    prefix, environment, rest = make_key("sk", "live").split("_")
    assert (prefix, environment, len(rest)) == ("sk", "live", 36)
    assert set(rest) <= set(ALPHABET)
    assert len(ALPHABET) == len(set(ALPHABET)) == 62


def test_the_body_has_at_least_160_random_bits():
    assert 62**30 > 2**160


def test_no_two_keys_are_alike():
    bodies = {make_key("sk", "live").split("_")[2] for _ in range(2000)}
    assert len(bodies) == len({body[:12] for body in bodies}) == 2000


def test_every_character_is_drawn():
    drawn = "".join(make_key("sk", "live").split("_")[2][:30] for _ in range(300))
    assert set(drawn) == set(ALPHABET)


def test_the_checksum_is_the_crc32_in_base62():
    number = 0
    for digit in checksum("sk_live_abc"):
        number = number * 62 + ALPHABET.index(digit)
    assert number == zlib.crc32(b"sk_live_abc")


@given(keys)
def test_a_key_is_well_formed(key):
    assert is_well_formed(key)


@given(keys, st.data())
def test_a_changed_character_is_noticed(key, data):
    place = data.draw(st.integers(0, len(key) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    assume(other != key[place])
    assert not is_well_formed(key[:place] + other + key[place + 1 :])


@given(keys, st.integers(0, 200))
def test_two_swapped_neighbours_are_noticed(key, place):
    place %= len(key) - 1
    assume(key[place] != key[place + 1])
    assert not is_well_formed(key[:place] + key[place + 1] + key[place] + key[place + 2 :])


@given(keys, st.integers(1, 100))
def test_a_cut_key_is_noticed(key, length):
    assert not is_well_formed(key[: len(key) - 1 - length % len(key)])


@given(st.text())
def test_any_text_has_an_answer(text):
    assert is_well_formed(text) in (True, False)


@pytest.mark.parametrize("text", ["", "sk_live_", "\ud800" * 40, "sk_live_" + "é" * 36, "x" * 100_000])
def test_what_is_no_key_is_not_well_formed(text):
    assert not is_well_formed(text)


@pytest.mark.parametrize("change", ["{} ", " {}", "{}\n", "{}\x00"])
def test_a_margin_is_no_part_of_a_key(change):
    assert not is_well_formed(change.format(make_key("sk", "live")))


@given(keys)
def test_the_hint_shows_prefix_and_last_four(key):
    assert hint(key) == f"{key.rsplit('_', 1)[0]}_…{key[-4:]}"
    assert len(hint(key)) <= 64

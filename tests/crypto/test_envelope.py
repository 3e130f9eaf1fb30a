"""The sealed form: what it looks like, and everything that must not open."""

import uuid

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from credservice.crypto.envelope import Place, SealError, is_sealed, key_id_of, open_with, seal_with

KEY = bytes(range(32))
PLACE = Place("credentials.credential", uuid.UUID(int=7), "sealed_values")
PLACE_BYTES = (
    b"\xc5\x01\x00\x16credentials.credential\x00\x2400000000-0000-0000-0000-000000000007\x00\x0dsealed_values\x00\x0242"
)


def sealed(plaintext=b"hello", key=KEY, key_id=42, place=PLACE):
    return seal_with(key, key_id, plaintext, place)


def test_the_layout_is_marker_key_id_nonce_ciphertext_tag():
    blob = sealed()
    assert blob[:2] == b"\xc5\x01"
    assert blob[2:6] == (42).to_bytes(4)
    assert len(blob) == 2 + 4 + 12 + len(b"hello") + 16
    # Opened with AES-GCM alone: the documented layout is all there is to know.
    assert AESGCM(KEY).decrypt(blob[6:18], blob[18:], PLACE_BYTES) == b"hello"


def test_a_value_sealed_by_the_documented_layout_opens():
    nonce = bytes(12)
    blob = b"\xc5\x01" + (42).to_bytes(4) + nonce + AESGCM(KEY).encrypt(nonce, b"hello", PLACE_BYTES)
    assert open_with(KEY, blob, PLACE) == b"hello"


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens_again(plaintext):
    assert open_with(KEY, sealed(plaintext), PLACE) == plaintext


def test_the_same_value_never_looks_the_same_twice():
    assert len({sealed() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "other",
    [
        Place("credentials.other", PLACE.pk, PLACE.field),
        Place(PLACE.model, uuid.UUID(int=8), PLACE.field),
        Place(PLACE.model, PLACE.pk, "other"),
    ],
    ids=["model", "row", "field"],
)
def test_a_value_copied_to_another_place_does_not_open(other):
    with pytest.raises(SealError):
        open_with(KEY, sealed(), other)


def test_another_key_does_not_open_it():
    with pytest.raises(SealError):
        open_with(bytes(32), sealed(), PLACE)


def test_a_value_that_claims_another_key_id_does_not_open():
    blob = sealed()
    with pytest.raises(SealError):
        open_with(KEY, blob[:2] + (43).to_bytes(4) + blob[6:], PLACE)


@given(st.data())
def test_no_bit_can_be_changed(data):
    blob = bytearray(sealed())
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealError):
        open_with(KEY, bytes(blob), PLACE)


@given(st.data())
def test_a_truncated_value_does_not_open(data):
    blob = sealed()
    with pytest.raises(SealError):
        open_with(KEY, blob[: data.draw(st.integers(0, len(blob) - 1))], PLACE)


def test_an_unknown_version_is_not_read():
    blob = b"\xc5\x02" + sealed()[2:]
    assert not is_sealed(blob)
    with pytest.raises(SealError, match="not a sealed value"):
        key_id_of(blob)


def test_a_relabelled_version_would_not_open_either(monkeypatch):
    """Were version 2 ever read by the same code, a value of version 1 must not pass for it."""
    blob = b"\xc5\x02" + sealed()[2:]
    monkeypatch.setattr("credservice.crypto.envelope.MARKER", b"\xc5\x02")
    with pytest.raises(SealError, match="does not open"):
        open_with(KEY, blob, PLACE)


@given(st.tuples(*[st.text(max_size=5)] * 6))
def test_no_two_places_are_written_alike(parts):
    one, other = Place(*parts[:3]), Place(*parts[3:])
    assert (one.additional_data(1) == other.additional_data(1)) == (parts[:3] == parts[3:])


def test_an_error_names_the_place_and_not_the_value():
    with pytest.raises(SealError) as caught:
        open_with(bytes(32), sealed(b"hunter2"), PLACE)
    assert str(caught.value) == f"credentials.credential {PLACE.pk} sealed_values: does not open under data key 42"
    assert caught.value.__cause__ is None

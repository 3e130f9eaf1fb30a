"""Identifiers of the marketplace's form."""

import re

from provisioning.checker.ids import ALPHABET, encode_id, new_id


def test_a_new_id_has_the_documented_form():
    assert all(re.fullmatch(r"[0-9abcdefghjkmnpqrtuvwxyz]{29}", new_id()) for _ in range(100))


def test_ids_encode_18_bytes_from_the_left():
    assert encode_id(bytes(18)) == "0" * 29
    assert encode_id(b"\xff" * 18) == "z" * 28 + "y"
    assert encode_id(b"\x08" + bytes(17)) == "1" + "0" * 28


def test_the_alphabet_has_32_different_letters():
    assert len(set(ALPHABET)) == 32


def test_new_ids_differ():
    assert len({new_id() for _ in range(1000)}) == 1000

"""Makes and opens the sealed form of a value, by one pair of functions.

Layout, version 1: two marker bytes, the data key's id (4 bytes, big-endian), the nonce (12), ciphertext and tag.
AES-256-GCM; the additional data is the marker and the value's place: a value copied to another row, field or model does
not open, nor one whose row was given to somebody else, nor one whose version was changed.
"""

import os
import struct
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARKER: Final = b"\xc5\x01"
HEADER: Final = struct.Struct(">2sI12s")
TAG_BYTES: Final = 16
MAX_VALUE_BYTES: Final = 16 * 1024  # of a credential's value

_cipher = lru_cache(maxsize=64)(AESGCM)  # setting one up takes as long as opening a short value


class SealError(Exception):
    """A sealed value does not open. The message names its place and key, never its content."""


@dataclass(frozen=True)
class Place:
    """Place of a sealed value: model label, primary key (made before sealing), field name.

    ``bound_to`` is what decides who gets it, where its row says so: whose it is, or the address that it is sent to.
    """

    model: str
    pk: UUID | str
    field: str
    bound_to: tuple[str, ...] = ()

    def additional_data(self, key_id: int) -> bytes:
        """Encode the place with the lengths of its parts, so that no two places have the same bytes."""
        parts = (self.model, str(self.pk), self.field, str(key_id), *self.bound_to)
        return MARKER + b"".join([len(raw).to_bytes(2) + raw for raw in map(str.encode, parts)])

    def of_its_row_alone(self) -> "Place":
        """Return the place as a version knew it that bound nothing but the row (``manage.py bind_sealed``)."""
        return replace(self, bound_to=())


def is_sealed(blob: bytes) -> bool:
    return len(blob) >= HEADER.size + TAG_BYTES and blob[:2] == MARKER


def key_id_of(blob: bytes) -> int:
    """Return the id of the data key that sealed ``blob``. Raises :class:`SealError` where it is no sealed value."""
    if not is_sealed(blob):
        raise SealError("not a sealed value")
    return int(HEADER.unpack_from(blob)[1])


def seal_with(data_key: bytes, key_id: int, plaintext: bytes, place: Place) -> bytes:
    nonce = os.urandom(12)
    header = HEADER.pack(MARKER, key_id, nonce)
    return header + _cipher(data_key).encrypt(nonce, plaintext, place.additional_data(key_id))


def open_with(data_key: bytes, blob: bytes, place: Place) -> bytes:
    key_id = key_id_of(blob)
    try:
        return _cipher(data_key).decrypt(blob[6:18], blob[18:], place.additional_data(key_id))
    except InvalidTag:
        raise SealError(f"{place.model} {place.pk} {place.field}: does not open under data key {key_id}") from None

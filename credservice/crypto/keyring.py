"""Reads the key-encryption keys (KEKs) and wraps data keys with them.

A KEK never enters the database. It is read once, from ``ENCRYPTION_KEYS``, or stays in a key-management service
(:mod:`credservice.crypto.kms`), and is used only to wrap and unwrap data keys, so that changing it re-wraps a handful
of rows and no value (engineering notes, "Secrets at rest").
"""

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from credservice.crypto import kms
from credservice.crypto.derive import derive
from credservice.crypto.kek import KeyEncryptionKey, KeyringError, UnwrapError

KEY_BYTES = 32
NONCE_BYTES = 12
# Too short for a 32-byte key in any encoding: an entry written the wrong way round is never quoted in a message.
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True)
class LocalKey:
    """An AES-256 key held in memory. ``context`` is authenticated with the wrapped key, not stored in it."""

    id: str
    secret: bytes = field(repr=False)

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.secret).encrypt(nonce, data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            return AESGCM(self.secret).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise UnwrapError(f"data key does not open under key {self.id!r}") from error

    def fingerprint(self) -> str:
        """Return eight bytes in hex that tell two keys apart and reveal nothing of either."""
        return derive(self.secret, "fingerprint")[:8].hex()


class Keyring(Mapping[str, KeyEncryptionKey]):
    """The KEKs that this process may use, by id. The first one wraps new data keys."""

    def __init__(self, keys: list[KeyEncryptionKey]) -> None:
        if not keys:
            raise KeyringError("ENCRYPTION_KEYS is empty. Set it to ID:KEY, KEY being 32 random bytes in base64.")
        self._keys = {key.id: key for key in keys}
        if len(self._keys) < len(keys):
            raise KeyringError("ENCRYPTION_KEYS names the same key id twice. Give each key an id of its own.")
        self.current = keys[0]

    def __getitem__(self, key_id: str) -> KeyEncryptionKey:
        return self._keys[key_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read ``ID:KEY[,ID:KEY...]``, the current key first. Raises :class:`KeyringError`.

        KEY is base64, ``awskms:ARN_OR_ALIAS`` or ``transit:MOUNT/KEYNAME``.
        """
        return cls([_parse_key(entry.strip()) for entry in text.split(",") if entry.strip()])


def _parse_key(entry: str) -> KeyEncryptionKey:
    key_id, separator, encoded = entry.partition(":")
    if not separator or not KEY_ID.fullmatch(key_id):
        # The entry itself is not shown: what stands before a missing colon may be the key.
        raise KeyringError(
            "An entry of ENCRYPTION_KEYS has no usable id. Write ID:KEY, ID being up to 32 letters, "
            "digits, - or _ (such as k1)."
        )
    service, separator, location = encoded.partition(":")
    if separator and (key := kms.parse(service, key_id, location)):
        return key
    return _parse_local_key(key_id, encoded)


def _parse_local_key(key_id: str, encoded: str) -> LocalKey:
    try:
        secret = base64.b64decode(
            encoded + "=" * (-len(encoded) % 4), altchars=b"-_" if set(encoded) & set("-_") else None, validate=True
        )
    except (binascii.Error, ValueError):
        raise KeyringError(f"Key {key_id!r} of ENCRYPTION_KEYS is not base64.") from None
    if len(secret) != KEY_BYTES:
        raise KeyringError(
            f"Key {key_id!r} of ENCRYPTION_KEYS has {len(secret)} bytes; it needs exactly {KEY_BYTES}. "
            "Make one with: openssl rand -base64 32"
        )
    if len(set(secret)) < 8:
        raise KeyringError(f"Key {key_id!r} of ENCRYPTION_KEYS is not random. Make one with: openssl rand -base64 32")
    return LocalKey(key_id, secret)


@cache
def get_keyring() -> Keyring:
    """Return the keyring of this process, from ``settings.ENCRYPTION_KEYS``. Raises :class:`KeyringError`."""
    return Keyring.parse(settings.ENCRYPTION_KEYS)

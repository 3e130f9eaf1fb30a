"""Declares a key-encryption key as the keyring uses it, and the errors of keys and key services."""

from typing import Protocol


class KeyringError(ValueError):
    """The configured keys cannot be used; the message says which one and what to do."""


class UnwrapError(Exception):
    """A wrapped data key does not open under this KEK: another key, or a changed row."""


class KeyServiceError(Exception):
    """A key-management service did not do what was asked of a KEK, which says nothing about the wrapped data key."""

    _what = ""

    def __init__(self, kek_id: str, reason: str) -> None:
        super().__init__(kek_id, reason)  # as they came: an import hands it from one process to another

    def __str__(self) -> str:
        kek_id, reason = self.args
        return f"Key {kek_id!r} of ENCRYPTION_KEYS: {self._what}{reason}"


class KeyServiceUnreachable(KeyServiceError):
    """It is down, sealed, throttling or too slow: the same call may succeed later."""

    _what = "key service unreachable: "


class KeyEncryptionKey(Protocol):
    """Wraps data keys: a local AES key, or a key-management service behind the same members.

    ``unwrap`` raises :class:`UnwrapError`; a service's members raise :class:`KeyServiceError` as well. A fingerprint
    is 16 hexadecimal characters.
    """

    @property
    def id(self) -> str: ...

    def wrap(self, data_key: bytes, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes: ...

    def fingerprint(self) -> str: ...

"""Holds the marketplace's keys: an offline master key endorses the live key that signs requests."""

import base64
import binascii
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED_BYTES = 32


class KeyFileError(ValueError):
    """A key file that cannot be used; its text is one sentence for the person who named it."""


def decode_base64(text: str) -> bytes:
    """Read base64 in either alphabet, padded or not. Raises ValueError where it is none."""
    plain = text.strip().rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


def encode_base64url(raw: bytes) -> str:
    """Write unpadded base64url, as in `X-Signature` and in the marketplace's published keys."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class MasterKey:
    """The pair whose public half a provider trusts."""

    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read JSON with `public_key` and `private_key`: the 32-byte seed, or seed and public key as Grafton writes."""
        try:
            content = json.loads(path.read_text("utf-8-sig"))
            public, private = (decode_base64(content[name]) for name in ("public_key", "private_key"))
        except OSError as error:
            raise KeyFileError(f"cannot read the key file {path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise KeyFileError(f"{path} is not JSON with a base64 `public_key` and `private_key`") from error
        if len(private) not in (SEED_BYTES, 2 * SEED_BYTES):
            raise KeyFileError(f"the private key in {path} has {len(private)} bytes, an Ed25519 key has 32 or 64")
        key = cls(Ed25519PrivateKey.from_private_bytes(private[:SEED_BYTES]))
        if key.public != public:
            raise KeyFileError(f"the public key in {path} does not belong to its private key")
        return key

    def save(self, path: Path) -> None:
        """Write the pair in Grafton's form, readable by its owner alone; never over an existing file."""
        pair = {"public_key": self.public, "private_key": self.private.private_bytes_raw() + self.public}
        content = json.dumps({name: base64.b64encode(raw).decode() for name, raw in pair.items()})
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(content + "\n")
        except FileExistsError as error:
            raise KeyFileError(f"{path} exists already; use it with --master-key, or name another file") from error
        except OSError as error:
            raise KeyFileError(f"cannot write the key file {path}: {error.strerror}") from error

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def public_text(self) -> str:
        return encode_base64url(self.public)

    def endorse(self, public_key: bytes) -> bytes:
        return self.private.sign(public_key)


@dataclass(frozen=True)
class LiveKey:
    """The pair that signs requests, with what is sent as its endorsement."""

    private: Ed25519PrivateKey = field(repr=False)
    endorsement: bytes

    @classmethod
    def endorsed_by(cls, master: MasterKey) -> Self:
        private = Ed25519PrivateKey.generate()
        return cls(private, master.endorse(private.public_key().public_bytes_raw()))

    def signature(self, message: bytes) -> str:
        """Make the value of `X-Signature`: signature, live public key, endorsement."""
        parts = (self.private.sign(message), self.private.public_key().public_bytes_raw(), self.endorsement)
        return " ".join(encode_base64url(part) for part in parts)

"""Wraps data keys in the Transit engine of Vault (1.13 or later) or OpenBao: ``ID:transit:MOUNT/KEYNAME``.

Source: both products' API documentation, "Transit secrets engine (API)", Encrypt data and Decrypt data.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from credservice.crypto.kek import KeyringError, KeyServiceError, KeyServiceUnreachable, UnwrapError
from credservice.crypto.kms.vault import Refused, Unreachable, Vault

_DOES_NOT_OPEN: Final = ("authentication failed", "invalid ciphertext")
_NAME: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
LOCATION: Final = re.compile(rf"({_NAME}(?:/{_NAME})*)/({_NAME})")


@dataclass(frozen=True)
class TransitKey:
    """A named Transit key; its versions are the server's affair, a wrapped data key says which one it needs."""

    id: str
    mount: str
    name: str
    vault: Vault

    @classmethod
    def parse(cls, key_id: str, location: str) -> "TransitKey":
        match = LOCATION.fullmatch(location)
        if match is None:
            raise KeyringError(
                f"Key {key_id!r} of ENCRYPTION_KEYS names no Transit key. Write {key_id}:transit:MOUNT/KEYNAME, "
                f"such as {key_id}:transit:transit/credservice."
            )
        try:
            return cls(key_id, match[1], match[2], Vault.from_settings())
        except ValueError as error:
            raise KeyringError(f"Key {key_id!r} of ENCRYPTION_KEYS is a Transit key, and {error}.") from None

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        answer = self._ask("encrypt", "ciphertext", {"plaintext": base64.b64encode(data_key).decode()}, context)
        return answer.encode()

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            answer = self._ask("decrypt", "plaintext", {"ciphertext": wrapped.decode("ascii")}, context)
            return base64.b64decode(answer, validate=True)
        except UnicodeDecodeError:
            raise UnwrapError(f"data key does not open under key {self.id!r}: Transit did not wrap it") from None
        except binascii.Error:
            raise KeyServiceUnreachable(self.id, f"{self.vault.address} answered no base64") from None

    def fingerprint(self) -> str:
        """Hash namespace, mount and name. Transit shows nothing of a key that outlives its rotation; another key made
        under this name is told by its data keys, which do not open."""
        place = f"transit:{self.vault.namespace}:{self.mount}/{self.name}"
        return hashlib.sha256(place.encode()).hexdigest()[:16]

    def _ask(self, action: str, wanted: str, body: dict[str, str], context: bytes) -> str:
        # Both: a derived key takes its context, which others ignore, and AEAD ciphers authenticate associated data.
        bound = base64.b64encode(context).decode()
        try:
            answer = self.vault.post(
                f"{self.mount}/{action}/{self.name}", body | {"associated_data": bound, "context": bound}
            )
        except Unreachable as error:
            raise KeyServiceUnreachable(self.id, str(error)) from None
        except Refused as error:
            raise self._refusal(action, error) from None
        found = answer.get(wanted)
        if not isinstance(found, str) or not found:
            raise KeyServiceUnreachable(self.id, f"{self.vault.address} answered without {wanted}")
        return found

    def _refusal(self, action: str, error: Refused) -> Exception:
        """In our own words: whoever wrote the error's text was given a data key."""
        if action == "decrypt" and any(words in error.text for words in _DOES_NOT_OPEN):
            return UnwrapError(f"data key does not open under key {self.id!r}")
        path = f"{self.mount}/{action}/{self.name}"
        hints = {
            "key not found": f"there is no key {self.name} under {self.mount}/",
            "too old": "the key's min_decryption_version is above the version that wrapped the data key",
            "permission denied": f"the token may not update {path}, or is no longer good",
            "no handler for route": f"no Transit engine is mounted at {self.mount}/",
        }
        hint = next((hint for words, hint in hints.items() if words in error.text), "see its audit log")
        return KeyServiceError(self.id, f"{self.vault.address} refused {path} with {error.status}: {hint}")

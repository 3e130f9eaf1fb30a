"""Reads and writes the forms that a signature may have in ``X-Signature``. Strict: one meaning or none.

A digest of 32 bytes: hexadecimal, base64 or base64url, with or without padding, with or without ``sha256=`` before it.
Or, with the timestamp inside: ``t=TIMESTAMP,v1=DIGEST``, with several ``v1`` while a secret is being changed.
"""

import base64
import re
from dataclasses import dataclass, field

DIGEST_BYTES = 32
MAX_DIGESTS = 8
_HEX = re.compile(r"[0-9a-fA-F]{64}")
# 43 characters are 258 bits. The last two are none of the digest's, and must be zero: one digest, one text.
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{42}|[A-Za-z0-9_-]{42})[AEIMQUYcgkosw048]=?")


class Malformed(ValueError):
    """A header that cannot be a signature or timestamp. ``reason`` is for the trail."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signatures:
    """The digests in ``X-Signature``. ``timestamp`` is empty where it stands in a header of its own."""

    digests: tuple[bytes, ...] = field(repr=False)
    timestamp: str = ""


def parse_signatures(header: str) -> Signatures:
    """Parse it. Raises :class:`Malformed`. A header sent twice arrives joined by a comma, which no plain form has."""
    if not header.startswith(("t=", "v1=")):
        return Signatures((parse_digest(header),))
    timestamps, digests = [], []
    for part in header.split(","):
        name, _, value = part.strip(" ").partition("=")
        if name == "t":
            timestamps.append(value)
        elif name == "v1":
            digests.append(parse_digest(value))
    if len(timestamps) != 1 or not timestamps[0] or not 1 <= len(digests) <= MAX_DIGESTS:
        raise Malformed("malformed_signature")
    return Signatures(tuple(digests), timestamps[0])


def parse_digest(text: str) -> bytes:
    """Decode the 32 bytes. Raises :class:`Malformed`."""
    text = text.removeprefix("sha256=")
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if not _BASE64.fullmatch(text):
        raise Malformed("duplicated_header" if "," in text else "malformed_signature")
    return base64.b64decode(text.rstrip("=") + "=", altchars=b"-_" if "-" in text or "_" in text else None)


def plain_form(digest: bytes) -> str:
    return digest.hex()


def structured_form(digest: bytes, timestamp: str) -> str:
    return f"t={timestamp},v1={digest.hex()}"

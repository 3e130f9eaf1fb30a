"""Makes and recognises the marketplace's ids: 18 bytes in 29 characters of base32 (Provider API, definition ``ID``)."""

import re
import secrets

ALPHABET = "0123456789abcdefghjkmnpqrtuvwxyz"
FORM = "29 characters of 0-9 and a-z without i, l, o and s"
BYTES, LENGTH = 18, 29
_ID = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def new_id() -> str:
    """Make an id of our own: most significant bits first, the last character padded with a zero bit."""
    number = int.from_bytes(secrets.token_bytes(BYTES)) << (LENGTH * 5 - BYTES * 8)
    return "".join(ALPHABET[number >> shift & 31] for shift in range((LENGTH - 1) * 5, -1, -5))

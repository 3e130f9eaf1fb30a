"""Makes ids as the marketplace does: 18 bytes in 29 characters (Provider API, definition `ID`)."""

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrtuvwxyz"
BYTES = 18
LENGTH = 29


def encode_id(raw: bytes) -> str:
    """Write 18 bytes as 29 characters of base32, most significant bits first, the last padded with a zero bit."""
    number = int.from_bytes(raw) << (LENGTH * 5 - len(raw) * 8)
    return "".join(ALPHABET[number >> shift & 31] for shift in range((LENGTH - 1) * 5, -1, -5))


def new_id() -> str:
    return encode_id(secrets.token_bytes(BYTES))

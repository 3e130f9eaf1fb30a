"""Makes API keys, prefixed and with a checksum, and tells a typo without a look-up."""

import os
import re
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
BODY_CHARACTERS = 30
CHECKSUM_CHARACTERS = 6
WORD = re.compile(r"[a-z][a-z0-9]{0,15}")
_FORM = re.compile(rf"{WORD.pattern}_{WORD.pattern}_[0-9A-Za-z]{{{BODY_CHARACTERS + CHECKSUM_CHARACTERS}}}")


# A character for each random byte; bytes that would make the first characters likelier are left out.
_CHARACTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_UNFAIR = bytes(range(256 - 256 % len(ALPHABET), 256))


def make_key(prefix: str, environment: str) -> str:
    body = b""
    while len(body) < BODY_CHARACTERS:
        body += os.urandom(2 * BODY_CHARACTERS).translate(_CHARACTERS, _UNFAIR)
    unchecked = f"{prefix}_{environment}_{body[:BODY_CHARACTERS].decode()}"
    return unchecked + checksum(unchecked)


def is_well_formed(key: str) -> bool:
    """Tell whether form and checksum fit: false for a typo, true says nothing of the key's being known."""
    return bool(_FORM.fullmatch(key)) and checksum(key[:-CHECKSUM_CHARACTERS]) == key[-CHECKSUM_CHARACTERS:]


def checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def hint(key: str) -> str:
    """Return prefix and last four characters, to tell keys apart by."""
    return f"{key.rsplit('_', 1)[0]}_…{key[-4:]}"

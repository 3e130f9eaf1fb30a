"""Makes SCRAM-SHA-256 verifiers: the server stores them as they are, and its log never sees the password.

RFC 5802 and 7677; the form is PostgreSQL's (its documentation, "pg_authid": rolpassword).
"""

import hashlib
import hmac
import os
from base64 import b64encode

SALT_BYTES = 16
# PostgreSQL's default. Our passwords are random, so that more would slow every login and stop nobody.
ITERATIONS = 4096


def verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """Make what ``CREATE ROLE ... PASSWORD`` takes in a password's place.

    Raises ValueError for anything but printable ASCII: for that, SASLprep (RFC 4013) changes nothing.
    """
    if not password or not (password.isascii() and password.isprintable()):
        raise ValueError("the password must be printable ASCII")
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored, server = (b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${iterations}:{salt_text}${stored}:{server}"

"""Derives separate keys by purpose: one root, one HKDF label for each use, so that no key serves two."""

import hashlib
import hmac
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


@lru_cache(maxsize=64)
def derive(root: bytes, label: str) -> bytes:
    """Derive 32 bytes for ``label`` from a random ``root`` (RFC 5869's expand step: the root is a key already)."""
    return HKDFExpand(hashes.SHA256(), 32, f"credservice/{label}".encode()).derive(root)


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)

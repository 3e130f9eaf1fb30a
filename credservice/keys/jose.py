"""Signing keys as JWKs (RFC 7517), and tokens signed with them (RFC 7519). Knows no model.

Imported where a key is used, not where settings are read: joserfc takes 50 ms to import.
"""

import json
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

# RFC 9864 prefers the name Ed25519; what verifies tokens today knows EdDSA (RFC 8037).
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

RSA_BITS = 3072


def generate_jwk(algorithm: str) -> Key:
    """A new private key for EdDSA (Ed25519), ES256 or RS256."""
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    if algorithm == "ES256":
        return ECKey.generate_key("P-256")
    return RSAKey.generate_key(RSA_BITS)


def private_bytes(key: Key) -> bytes:
    """The private JWK, to be sealed."""
    return json.dumps(key.as_dict(private=True)).encode()


def public_jwk(key: Key, algorithm: str) -> dict[str, Any]:
    """What is published: its id is the key's thumbprint (RFC 7638)."""
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": algorithm, "use": "sig"}


def encode(claims: Mapping[str, Any], key: Key, *, algorithm: str, kid: str, typ: str = "JWT") -> str:
    """A compact JWT. ``typ`` of its own keeps a kind of token from being taken for another (RFC 8725, 3.11)."""
    return jwt.encode({"alg": algorithm, "kid": kid, "typ": typ}, dict(claims), key, algorithms=[algorithm])


@lru_cache(maxsize=16)
def import_private(key_id: UUID, private: bytes) -> Key:
    """The key of :func:`private_bytes`, kept: importing an RSA key takes 90 ms. ``key_id`` is for the cache alone."""
    return import_key(json.loads(private))

"""Writes signing keys as JWKs (RFC 7517), and signs tokens with them (RFC 7519). Knows no model."""

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
    """Make a private key for EdDSA (Ed25519), ES256 or RS256."""
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    if algorithm == "ES256":
        return ECKey.generate_key("P-256")
    return RSAKey.generate_key(RSA_BITS)


def private_bytes(key: Key) -> bytes:
    """Write the private JWK, to be sealed."""
    return json.dumps(key.as_dict(private=True)).encode()


def public_jwk(key: Key, algorithm: str) -> dict[str, Any]:
    """Write the public JWK; its id is the key's thumbprint (RFC 7638)."""
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": algorithm, "use": "sig"}


def encode(claims: Mapping[str, Any], key: Key, *, algorithm: str, kid: str, typ: str) -> str:
    """Sign a compact JWT: see ``SigningKey.sign_token``."""
    return jwt.encode({"alg": algorithm, "kid": kid, "typ": typ}, dict(claims), key, algorithms=[algorithm])


@lru_cache(maxsize=16)
def import_private(key_id: UUID, private: bytes) -> Key:
    """Read, and keep, the key of :func:`private_bytes`: an RSA key takes 90 ms. ``key_id`` is for the cache alone."""
    return import_key(json.loads(private))

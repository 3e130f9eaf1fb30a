"""Verifies ID tokens (OpenID Connect Core 1.0, 3.1.3.7). Knows neither Django nor allauth."""

from contextlib import suppress
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

# By the provider's own keys alone: none under a client secret, and not "none".
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
KEY_TYPES = ("RSA", "EC", "OKP")
SKEW = 60  # seconds by which clocks may differ


class TokenRefused(Exception):
    """Says in a phrase what is wrong with an ID token; never holds a value of it."""


def verify_id_token(token: object, *, keys: dict[str, Any], issuer: str, client_id: str) -> dict[str, Any]:
    """Return the claims of a token that ``issuer`` made for ``client_id``, and that is valid now."""
    if not isinstance(token, str):
        raise TokenRefused("it sent no ID token")
    registry = jwt.JWTClaimsRegistry(
        leeway=SKEW,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        claims = jwt.decode(token, _signing_keys(keys.get("keys")), algorithms=ALGORITHMS).claims
        registry.validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise TokenRefused(f"its ID token is not valid: {getattr(error, 'error', type(error).__name__)}") from None
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise TokenRefused("its ID token names nobody")
    if claims.get("azp", client_id) != client_id or (len(_list(claims["aud"])) > 1 and "azp" not in claims):
        raise TokenRefused("its ID token is for another client")
    return claims


def check_nonce(claims: dict[str, Any], nonce: str) -> None:
    """Check that the token answers the request of this session (Core, 3.1.3.7, 11)."""
    if not nonce or claims.get("nonce") != nonce:
        raise TokenRefused("its ID token answers another request")


def check_auth_time(claims: dict[str, Any], asked_at: float, now: float) -> None:
    """Check that its owner signed in there after ``asked_at``, not by a session that was open (Core, 3.1.2.1)."""
    if not asked_at - SKEW <= auth_time(claims) <= now + SKEW:
        raise TokenRefused("it did not say that you signed in there just now")


def auth_time(claims: dict[str, Any]) -> int:
    """Find when its owner signed in at the provider, in seconds since 1970; 0 where it does not say so."""
    at = claims.get("auth_time")
    return at if isinstance(at, int) and not isinstance(at, bool) else 0


def _signing_keys(offered: object) -> KeySet:
    """Read what can verify a signature; a provider may publish other keys beside."""
    found: list[Key] = []
    for key in offered if isinstance(offered, list) else []:
        if isinstance(key, dict) and key.get("kty") in KEY_TYPES and key.get("use", "sig") == "sig":
            with suppress(JoseError, ValueError, KeyError, TypeError):
                found.append(import_key(key))
    return KeySet(found)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

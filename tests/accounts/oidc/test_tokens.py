"""ID tokens that prove nothing: for somebody else, of another time, under another key, or no token at all."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from credservice.accounts.oidc.tokens import TokenRefused, verify_id_token

ISSUER, CLIENT = "https://login.example.com", "credservice"
KEY = RSAKey.generate_key(2048, parameters={"kid": "a"})
OTHERS = [{"kty": "oct", "k": "aGVsbG8"}, {"kty": "EC", "crv": "of-tomorrow"}, "no key"]
KEYS = {"keys": [*OTHERS, KEY.as_dict(private=False)]}
NOW = int(time.time())


def claims(**changes: Any) -> dict[str, Any]:
    sound = {"iss": ISSUER, "sub": "ann", "aud": CLIENT, "exp": NOW + 86400, "iat": NOW}
    return {name: value for name, value in (sound | changes).items() if value is not None}


def verify(token: object, keys: dict[str, Any] = KEYS) -> dict[str, Any]:
    return verify_id_token(token, keys=keys, issuer=ISSUER, client_id=CLIENT)


@pytest.mark.parametrize("changes", [{}, {"aud": [CLIENT]}, {"aud": [CLIENT, "x"], "azp": CLIENT}])
def test_a_sound_one_passes(changes: dict[str, Any]) -> None:
    assert verify(jwt.encode({"alg": "RS256", "kid": "a"}, claims(**changes), KEY))["sub"] == "ann"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.example.com.evil.example"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"exp": NOW - 90},
        {"iat": NOW + 86400},
        {"nbf": NOW + 86400},
        {"sub": ""},
        {"sub": 7},
        *({name: None} for name in ("iss", "sub", "aud", "exp", "iat")),
    ],
)
def test_a_claim_that_is_wrong_or_missing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        verify(jwt.encode({"alg": "RS256", "kid": "a"}, claims(**changes), KEY))


def test_another_key_and_another_algorithm_are_refused() -> None:
    secret = OctKey.import_key("the client secret, which is known to both")
    other = RSAKey.generate_key(2048, parameters={"kid": "a"})
    unsigned = "eyJhbGciOiJub25lIn0." + jwt.encode({"alg": "RS256"}, claims(), KEY).split(".")[1] + "."
    for token in (
        jwt.encode({"alg": "RS256", "kid": "a"}, claims(), other),
        jwt.encode({"alg": "RS256", "kid": "b"}, claims(), KEY),
        jwt.encode({"alg": "HS256", "kid": "a"}, claims(), secret),
        unsigned,
    ):
        with pytest.raises(TokenRefused):
            verify(token)


@pytest.mark.parametrize("token", [None, 7, "", "x", "a.b.c", {}])
def test_what_is_no_token_is_refused(token: object) -> None:
    with pytest.raises(TokenRefused):
        verify(token)


@pytest.mark.parametrize("keys", [{}, {"keys": None}, {"keys": "x"}, {"keys": OTHERS}])
def test_a_provider_without_keys_proves_nothing(keys: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        verify(jwt.encode({"alg": "RS256", "kid": "a"}, claims(), KEY), keys)

"""Gets our own access to a connector: a ``client_credentials`` token (manifold-connector-api.yaml, OAuth).

Kept in this process's memory until shortly before its end: a token is no state that another process needs.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import httpx2

from credservice.crypto import SealError
from credservice.http.oauth2 import basic_auth
from credservice.http.strict_json import parse_object
from provisioning.manifold.connector.calls import ConnectorError, ConnectorUnreachable, call
from provisioning.models import Marketplace

# "Access Tokens are valid for 24 hours", whatever a connector says.
LONGEST_SECONDS = 24 * 3600
EARLY_SECONDS = 60
MAX_TOKEN = 4096


class TokenRefused(ConnectorError):
    """The connector grants no token. An operator can put that right: client id, secret, or the connector's URL."""


@dataclass(frozen=True)
class _Kept:
    token: str = field(repr=False)
    client: bytes  # which client and connector it was granted to
    ends: float


_kept: dict[object, _Kept] = {}
_lock = Lock()


def access_token(marketplace: Marketplace, *, refused: str | None = None) -> str:
    """Get a token for callbacks and rotations; a new one where the connector has ``refused`` this one.

    Raises :class:`ConnectorError` where there is none to be had.
    """
    client = _client(marketplace)
    with _lock:
        kept = _kept.get(marketplace.pk)
    if kept and kept.client == client and kept.ends > time.monotonic() and kept.token != refused:
        return kept.token
    fresh = _grant(marketplace, client)
    with _lock:
        _kept[marketplace.pk] = fresh
    return fresh.token


def as_client(marketplace: Marketplace, send: Callable[[str], httpx2.Response]) -> httpx2.Response:
    """Have ``send`` send with our token; returns the answer. A token that is refused is replaced once, at once.

    Raises :class:`ConnectorError`, also while an operator has the marketplace suspended.
    """
    if not marketplace.is_active:
        raise ConnectorError("is not called while its marketplace is suspended")
    token = access_token(marketplace)
    answer = send(token)
    return send(access_token(marketplace, refused=token)) if answer.status_code == 401 else answer


def forget() -> None:
    """Drop every token from memory."""
    with _lock:
        _kept.clear()


def client_auth(marketplace: Marketplace) -> tuple[str, str]:
    """Give our client id and secret for Basic authentication, the method that the connector prefers.

    Raises :class:`SealError`.
    """
    return basic_auth(marketplace.client_id, marketplace.open_client_secret())


def _grant(marketplace: Marketplace, client: bytes) -> _Kept:
    if not marketplace.client_id or not marketplace.sealed_client_secret:
        raise TokenRefused("has no OAuth client here: enter the client id and secret of the marketplace")
    try:
        auth = client_auth(marketplace)
    except SealError:
        raise TokenRefused("has a client secret that cannot be opened") from None
    asked = time.monotonic()
    answer = call(marketplace, "POST", "/oauth/tokens", form={"grant_type": "client_credentials"}, auth=auth)
    if answer.status_code >= 500 or answer.status_code == 429:
        raise ConnectorUnreachable(f"answered the request for a token with {answer.status_code}")
    if answer.status_code not in (200, 201):
        raise TokenRefused(f"refused a token with {answer.status_code}")
    token, seconds = _read(answer)
    return _Kept(token, client, asked + seconds - EARLY_SECONDS)


def _read(answer: httpx2.Response) -> tuple[str, int]:
    """Definition ``AccessToken``. Of a wrong one nothing is quoted: it may hold the token."""
    try:
        body = parse_object(answer.content)
    except ValueError:
        raise TokenRefused("answered no JSON object to the request for a token") from None
    token, seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN or not _is_plain(token):
        raise TokenRefused("answered no access_token")
    if str(body.get("token_type", "")).lower() != "bearer":
        raise TokenRefused("answered a token that is no bearer token")
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds <= 0:
        seconds = EARLY_SECONDS  # used once, and not kept
    return token, min(seconds, LONGEST_SECONDS)


def _is_plain(token: str) -> bool:
    return token.isascii() and token.isprintable() and " " not in token


def _client(marketplace: Marketplace) -> bytes:
    secret = bytes(marketplace.sealed_client_secret or b"")
    return hashlib.sha256(f"{marketplace.connector_url}\n{marketplace.client_id}\n".encode() + secret).digest()

"""Reads the answer of a token endpoint (RFC 6749, 5.1; RFC 8693, 2.2.1)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from credservice.issuers.base import IssueFailed
from credservice.issuers.calls import json_object

MAX_TOKEN_BYTES = 16 * 1024
# What is handed out is used as a bearer token; N_A is a token that is no access token (RFC 8693, 2.2.1).
_TYPES = ("bearer", "n_a")
LONGEST = timedelta(days=3650)


@dataclass(frozen=True)
class AccessToken:
    value: str = field(repr=False)
    expires_at: datetime | None


def read_token(answer: httpx2.Response, asked_at: datetime) -> AccessToken:
    """The token. Its time is counted from ``asked_at``, before the request. Raises :class:`IssueFailed`."""
    try:
        body = json_object(answer)
    except ValueError:
        raise IssueFailed("the token endpoint answered no JSON object") from None
    value = body.get("access_token")
    if not isinstance(value, str) or not value or len(value.encode()) > MAX_TOKEN_BYTES:
        raise IssueFailed(f"the token endpoint answered no access_token of 1 to {MAX_TOKEN_BYTES} bytes")
    if "token_type" not in body:
        raise IssueFailed("the token endpoint's answer lacks token_type")
    if str(body["token_type"]).lower() not in _TYPES:
        raise IssueFailed("the token endpoint answered a token_type other than Bearer")
    lifetime = _lifetime(body.get("expires_in"))
    return AccessToken(value, None if lifetime is None else asked_at + lifetime)


def _lifetime(seconds: Any) -> timedelta | None:
    """``expires_in`` is a number; some servers send its digits."""
    if seconds is None:
        return None
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit():
        seconds = int(seconds[:12])
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 1:
        raise IssueFailed("the token endpoint answered an expires_in that is no time to come")
    return min(timedelta(seconds=min(seconds, LONGEST.total_seconds())), LONGEST)

"""Checks the signatures of both partners: MindCloud's HMAC, and the marketplace's Ed25519 chain of trust."""

import base64
import hmac
import os
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import HTTPException, Request

MASTER_KEY = os.environ["PEER_MASTER_KEY"]
TOLERANCE = timedelta(minutes=5)
SIGNED = {"host", "date", "content-type", "content-length"}


def check_hmac(request: Request, secret: str) -> None:
    """Refuse a request that the holder of the secret has not signed within five minutes."""
    timestamp = request.headers.get("x-timestamp", "")
    message = f"{timestamp}\n{request.method}\n".encode() + request.scope["raw_path"]
    expected = hmac.digest(secret.encode(), message, "sha256").hex()
    if not hmac.compare_digest(expected.encode(), request.headers.get("x-signature", "").encode()):
        raise HTTPException(401)
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE.total_seconds():
        raise HTTPException(401)


def check_chain(request: Request, body: bytes) -> None:
    """Refuse a request whose live key the master key has not endorsed, or that the live key has not signed now."""
    headers = request.headers
    try:
        signature, live_key, endorsement = headers["x-signature"].split(" ")
        names = headers["x-signed-headers"].split(" ")
        age = datetime.now(UTC) - datetime.fromisoformat(headers["date"])
        lines = "".join(f"{name}: {headers[name]}\n" for name in [*names, "x-signed-headers"])
        query = b"&".join(sorted(request.scope["query_string"].split(b"&")))
        target = (request.scope["raw_path"] + (b"?" + query if query else b"")).decode()
        if abs(age) > TOLERANCE or not set(names) >= SIGNED or int(headers["content-length"]) != len(body):
            raise ValueError
        check_endorsement(live_key, endorsement)
        message = f"{request.method.lower()} {target}\n{lines}".encode() + body
        Ed25519PublicKey.from_public_bytes(decoded(live_key)).verify(decoded(signature), message)
    except (KeyError, ValueError, TypeError, InvalidSignature):
        raise HTTPException(401) from None


@lru_cache(maxsize=1000)
def check_endorsement(live_key: str, endorsement: str) -> None:
    """Verify an endorsement once: it never changes."""
    master_key = Ed25519PublicKey.from_public_bytes(decoded(MASTER_KEY))
    master_key.verify(decoded(endorsement), decoded(live_key))


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

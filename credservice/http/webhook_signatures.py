"""Signs our requests to the vendor's endpoints by Standard Webhooks (https://www.standardwebhooks.com, v1)."""

import base64
import binascii
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64  # the specification's bounds


def check_secret(secret: str) -> str:
    """Return ``secret`` where it is one. Raises ValueError with a phrase that does not quote it."""
    try:
        size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not MIN_BYTES <= size <= MAX_BYTES:
        raise ValueError(
            f"is no Standard Webhooks secret: {PREFIX} and {MIN_BYTES} to {MAX_BYTES} random bytes in base64 "
            f"(echo {PREFIX}$(openssl rand -base64 32))"
        )
    return secret


def sign(message_id: str, body: str, secrets: list[str]) -> dict[str, str]:
    """Make the headers: a signature for each secret, so that the receiver may know the old one, the new one or both."""
    now = datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, now, body) for secret in secrets),
    }

"""Seal and open values: the one place that sees plaintext.

``seal`` and ``unseal`` are the only way in and out; ``digest`` is the keyed look-up digest of a presented secret.
Importing this package needs no app registry; the data keys are read from the database at first use.
"""

import hmac
import json
from collections.abc import Mapping
from typing import Any

from credservice.crypto.derive import derive, hmac_sha256
from credservice.crypto.envelope import Place, SealError, key_id_of, open_with, seal_with

__all__ = [
    "Place",
    "SealError",
    "authenticate",
    "digest",
    "is_authentic",
    "seal",
    "seal_values",
    "unseal",
    "unseal_values",
]


def seal(plaintext: bytes, place: Place) -> bytes:
    """``plaintext`` as it may be stored at ``place``, under the current data key."""
    from credservice.crypto import store

    key = store.current_key("values")
    store.count_use(key)
    return seal_with(key.secret, key.id, plaintext, place)


def unseal(blob: bytes, place: Place) -> bytes:
    """What was sealed at ``place``. Raises :class:`SealError` for another place, a changed value or a missing key."""
    from credservice.crypto import store

    return open_with(store.data_key(key_id_of(blob)).secret, blob, place)


def seal_values(values: Mapping[str, str], place: Place) -> bytes:
    """Named values as one sealed JSON object."""
    return seal(json.dumps(dict(values), ensure_ascii=False, separators=(",", ":")).encode(), place)


def unseal_values(blob: bytes, place: Place) -> dict[str, str]:
    """The named values sealed at ``place``. Raises :class:`SealError`."""
    values: dict[str, Any] = json.loads(unseal(blob, place))
    return values


def digest(secret: str, purpose: str) -> bytes:
    """The pepper's id (4 bytes) and the HMAC-SHA256 of ``secret`` under it, the pepper being separate by purpose.

    For unique look-ups ("which credential is this key"), and for "did this string pass through here".
    """
    return authenticate(secret.encode(), purpose)


def authenticate(message: bytes, purpose: str) -> bytes:
    """What nobody can make who has the database alone: the pepper's id and the HMAC-SHA256 of ``message`` under it."""
    from credservice.crypto import store

    key = store.current_key("digests")
    return key.id.to_bytes(4) + hmac_sha256(derive(key.secret, purpose), message)


def is_authentic(code: bytes, message: bytes, purpose: str) -> bool:
    """Whether :func:`authenticate` made ``code``, also under an older pepper. Raises :class:`SealError` without it."""
    from credservice.crypto import store

    key = store.data_key(int.from_bytes(code[:4]))
    return hmac.compare_digest(code[4:], hmac_sha256(derive(key.secret, purpose), message))

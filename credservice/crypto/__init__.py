"""Seals and opens values: the one place that sees plaintext.

``seal`` and ``unseal`` are the only way in and out; ``digest`` is the keyed look-up digest of a presented secret.
Django imports this package for its AppConfig, before there may be models: so functions import the store of data keys.
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
    """Seal ``plaintext`` for ``place``, where it may be stored, under the current data key."""
    from credservice.crypto import store

    key = store.sealing_key(place)
    store.count_use(key)
    return seal_with(key.secret, key.id, plaintext, store.place_under(key, place))


def unseal(blob: bytes, place: Place) -> bytes:
    """Open what was sealed at ``place``. Raises :class:`SealError`: another place, a changed value, a missing key."""
    from credservice.crypto import store

    key = store.data_key(key_id_of(blob))
    return open_with(key.secret, blob, store.place_under(key, place))


def seal_values(values: Mapping[str, str], place: Place) -> bytes:
    """Seal named values as one JSON object."""
    return seal(json.dumps(dict(values), ensure_ascii=False, separators=(",", ":")).encode(), place)


def unseal_values(blob: bytes, place: Place) -> dict[str, str]:
    """Open the named values that were sealed at ``place``. Raises :class:`SealError`."""
    values: dict[str, Any] = json.loads(unseal(blob, place))
    return values


def digest(secret: str, purpose: str) -> bytes:
    """Return the pepper's id (4 bytes) and the HMAC-SHA256 of ``secret`` under it; each purpose has its own pepper.

    For unique look-ups ("which credential is this key"), and for "did this string pass through here".
    """
    return authenticate(secret.encode(), purpose)


def authenticate(message: bytes, purpose: str) -> bytes:
    """Return what nobody can make from the database alone: the pepper's id, and ``message``'s HMAC-SHA256 under it."""
    from credservice.crypto import store

    key = store.current_key("digests")
    return key.id.to_bytes(4) + hmac_sha256(derive(key.secret, purpose), message)


def is_authentic(code: bytes, message: bytes, purpose: str) -> bool:
    """Tell whether :func:`authenticate` made ``code``; any pepper may have. Raises :class:`SealError` without it."""
    from credservice.crypto import store

    key = store.data_key(int.from_bytes(code[:4]))  # the caller may have chosen it
    return key.purpose == "digests" and hmac.compare_digest(code[4:], hmac_sha256(derive(key.secret, purpose), message))

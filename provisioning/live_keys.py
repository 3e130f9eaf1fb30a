"""Which marketplace a live key speaks for. An endorsement that was verified once is remembered.

"Endorsements have no expiry" (protocol notes): so each live key's first and last use is kept, a new one raises an
alert, and an operator may deny one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connection, transaction

from credservice.audit import record
from credservice.http.context import note
from provisioning.models import TrustedKey
from provisioning.signing import BadSignature, Signature, endorses

log = structlog.get_logger(__name__)
# The last use is to the minute: a write for every request would cost more than it tells.
LAST_USE_PRECISION = timedelta(minutes=1)

_FIND = """
SELECT live.id, live.endorsement, live.is_denied, live.last_used_at,
       trusted.is_enabled, trusted.ends_at, marketplace.id, marketplace.name, marketplace.is_active
FROM provisioning_livekey live
JOIN provisioning_trustedkey trusted ON trusted.id = live.trusted_key_id
JOIN provisioning_marketplace marketplace ON marketplace.id = trusted.marketplace_id
WHERE live.public_key = %s
"""
_ADD = """
INSERT INTO provisioning_livekey (trusted_key_id, public_key, endorsement, is_denied, first_used_at, last_used_at)
VALUES (%s, %s, %s, false, now(), now())
ON CONFLICT (public_key, trusted_key_id) DO UPDATE SET last_used_at = now()
RETURNING id, xmax = 0
"""
_TOUCH = "UPDATE provisioning_livekey SET last_used_at = %s WHERE id = %s AND last_used_at < %s"


@dataclass(frozen=True)
class Caller:
    """The marketplace that signed a request, and the live key that it signed with."""

    marketplace_id: UUID
    marketplace: str
    live_key_id: int

    @property
    def actor(self) -> str:
        return f"marketplace:{self.marketplace}"


@dataclass(frozen=True)
class _Known:
    id: int
    endorsement: str
    is_denied: bool
    last_used_at: datetime
    is_enabled: bool
    ends_at: datetime | None
    marketplace_id: UUID
    marketplace: str
    is_active: bool


def identify(signature: Signature, now: datetime) -> Caller:
    """Who signed. One query for a live key that is known. Raises BadSignature where nobody whom we trust did."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [signature.live_key])
        known = [_Known(*row) for row in cursor.fetchall()]
    if any(key.is_denied for key in known):
        # Whichever master key endorsed it: the operator has denied the key, not one of its endorsements.
        raise BadSignature("denied_live_key")
    key = next((key for key in known if key.endorsement == signature.endorsement), None)
    if key is None:
        return _introduce(signature, now)
    _check_trusted(key, now)
    if now - key.last_used_at >= LAST_USE_PRECISION:
        _touch(key, now)
    note(live_key=str(key.id))
    return Caller(key.marketplace_id, key.marketplace, key.id)


def _check_trusted(key: _Known, now: datetime) -> None:
    if not key.is_active:
        raise BadSignature("suspended_marketplace")
    if not key.is_enabled:
        raise BadSignature("disabled_trusted_key")
    if key.ends_at is not None and key.ends_at <= now:
        raise BadSignature("ended_trusted_key")


def _introduce(signature: Signature, now: datetime) -> Caller:
    """A live key that we see for the first time, or newly endorsed."""
    trusted_keys = TrustedKey.objects.live(now).select_related("marketplace")
    trusted = next((key for key in trusted_keys if endorses(key.public_key, signature)), None)
    if trusted is None:
        raise BadSignature("unknown_live_key")
    with transaction.atomic():
        live_key_id, is_new = _add(trusted, signature)
        note(live_key=str(live_key_id))
        caller = Caller(trusted.marketplace_id, trusted.marketplace.name, live_key_id)
        if is_new:
            _alert(trusted, signature, caller)
    return caller


def _add(trusted: TrustedKey, signature: Signature) -> tuple[int, bool]:
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [trusted.pk, signature.live_key, signature.endorsement])
        live_key_id, is_new = cursor.fetchone()
    return live_key_id, is_new


def _alert(trusted: TrustedKey, signature: Signature, caller: Caller) -> None:
    log.info("new_live_key", marketplace=caller.marketplace, trusted_key=trusted.label, live_key=signature.live_key)
    record(
        action="live_key.first_seen",
        actor=caller.actor,
        object_type="live_key",
        object_id=caller.live_key_id,
        detail={"public_key": signature.live_key, "trusted_key": trusted.label, "is_test": trusted.is_test},
    )


def _touch(key: _Known, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, [now, key.id, now - LAST_USE_PRECISION])

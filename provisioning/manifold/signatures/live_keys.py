"""Finds the marketplace that a live key speaks for. An endorsement that was verified once is remembered.

"Endorsements have no expiry" (protocol notes): so each live key's first and last use is kept, a new one raises an
alert, and an operator may deny one.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction

from credservice.audit import Line, record
from credservice.core.hot_statements import HotStatement
from credservice.http.context import note
from provisioning.caller import Caller
from provisioning.manifold import PROTOCOL
from provisioning.manifold.signatures.verify import BadSignature, Signature, endorses
from provisioning.models import TrustedKey
from provisioning.services.bindings import Found, found_sql, read_found

log = structlog.get_logger(__name__)
# The last use is to the minute: a write for every request would cost more than it tells.
LAST_USE_PRECISION = timedelta(minutes=1)

_LIVE_KEYS = """
SELECT live.id, live.endorsement, live.is_denied, live.last_used_at,
       trusted.is_enabled, trusted.ends_at, marketplace.id AS marketplace_id, marketplace.name, marketplace.is_active
FROM provisioning_livekey live
JOIN provisioning_trustedkey trusted ON trusted.id = live.trusted_key_id
JOIN provisioning_marketplace marketplace ON marketplace.id = trusted.marketplace_id
WHERE live.public_key = $1
"""
_FIND = HotStatement("manifold_live_key", _LIVE_KEYS)
_FIND_BOTH = HotStatement(
    "manifold_credential_put",
    f"""
SELECT known.*, found.* FROM ({_LIVE_KEYS}) known
LEFT JOIN LATERAL ({found_sql("known.marketplace_id", "$2", "$3")}) found ON true
""",  # noqa: S608 - constant texts
)
_ADD = """
INSERT INTO provisioning_livekey (trusted_key_id, public_key, endorsement, is_denied, first_used_at, last_used_at)
VALUES (%s, %s, %s, false, now(), now())
ON CONFLICT (public_key, trusted_key_id) DO UPDATE SET last_used_at = now()
RETURNING id, xmax = 0
"""
_TOUCH = "UPDATE provisioning_livekey SET last_used_at = %s WHERE id = %s AND last_used_at < %s"


class _Known(NamedTuple):
    id: int
    endorsement: str
    is_denied: bool
    last_used_at: datetime
    is_enabled: bool
    ends_at: datetime | None
    marketplace_id: UUID
    marketplace: str
    is_active: bool


_WIDTH = len(_Known._fields)


def identify(signature: Signature, now: datetime, asked: tuple[str, str] | None = None) -> tuple[Caller, Found | None]:
    """Find who signed, in one query for a live key that is known. Raises BadSignature where nobody trusted did.

    ``asked`` are the ids of a credential and of its resource: the same query finds what is known of them.
    """
    rows = _FIND_BOTH.rows(signature.live_key, *asked) if asked else _FIND.rows(signature.live_key)
    known = [_Known(*row[:_WIDTH]) for row in rows]
    for key in known:
        # Whichever master key endorsed it: the operator has denied the key, not one of its endorsements.
        if key.is_denied:
            raise BadSignature("denied_live_key", key.marketplace)
    for key, row in zip(known, rows, strict=True):
        if key.endorsement == signature.endorsement:
            return _identified(key, now), read_found(row[_WIDTH:]) if asked else None
    return _introduce(signature, now), None


def _identified(key: _Known, now: datetime) -> Caller:
    _check_trusted(key, now)
    if now - key.last_used_at >= LAST_USE_PRECISION:
        _touch(key, now)
    note(live_key=str(key.id))
    return Caller(key.marketplace_id, key.marketplace, PROTOCOL)


def _check_trusted(key: _Known, now: datetime) -> None:
    if fault := _fault(key.is_active, key.is_enabled, key.ends_at, now):
        raise BadSignature(fault, key.marketplace)


def _fault(is_active: bool, is_enabled: bool, ends_at: datetime | None, now: datetime) -> str:
    """Say why a key of a marketplace is good no more; empty where it is."""
    if not is_active:
        return "suspended_marketplace"
    if not is_enabled:
        return "disabled_trusted_key"
    return "ended_trusted_key" if ends_at is not None and ends_at <= now else ""


def _introduce(signature: Signature, now: datetime) -> Caller:
    """Remember a live key that we see for the first time, or newly endorsed."""
    every = TrustedKey.objects.select_related("marketplace")
    trusted = next((key for key in every if endorses(key.public_key, signature)), None)
    if trusted is None:
        raise BadSignature("unknown_live_key")
    if fault := _fault(trusted.marketplace.is_active, trusted.is_enabled, trusted.ends_at, now):
        raise BadSignature(fault, trusted.marketplace.name)
    with transaction.atomic():
        live_key_id, is_new = _add(trusted, signature)
        note(live_key=str(live_key_id))
        caller = Caller(trusted.marketplace_id, trusted.marketplace.name, PROTOCOL)
        if is_new:
            _alert(trusted, signature, caller, live_key_id)
    return caller


def _add(trusted: TrustedKey, signature: Signature) -> tuple[int, bool]:
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [trusted.pk, signature.live_key, signature.endorsement])
        live_key_id, is_new = cursor.fetchone()
    return live_key_id, is_new


def _alert(trusted: TrustedKey, signature: Signature, caller: Caller, live_key_id: int) -> None:
    log.info("new_live_key", marketplace=caller.marketplace, trusted_key=trusted.label, live_key=signature.live_key)
    detail = {"public_key": signature.live_key, "trusted_key": trusted.label, "is_test": trusted.is_test}
    record(
        Line(
            "live_key.first_seen",
            caller.actor,
            object_type="live_key",
            object_id=live_key_id,
            subject=trusted.subject,
            detail=detail,
        )
    )


def _touch(key: _Known, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, [now, key.id, now - LAST_USE_PRECISION])

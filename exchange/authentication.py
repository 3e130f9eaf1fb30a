"""Finds out who calls the exchange. Every failure is the same 401; which one it was goes to the trail and the log."""

import secrets
import time
import uuid
from dataclasses import dataclass

import structlog
from django.db import connection
from django.http import HttpRequest

from credservice.core.exceptions import Unauthenticated
from credservice.crypto import Place, SealError, unseal
from credservice.http.client_address import is_within, parse_networks
from credservice.http.context import current_context
from credservice.http.raw_target import raw_target
from credservice.keys.rotation_progress import last_uses
from exchange.queries import ExchangeRow, PlatformRow, find_exchange
from exchange.serializers import ExchangeIds
from exchange.signatures.simulated import is_simulated
from exchange.signatures.verify import Profile, Secret, SignedRequest, Verdict, verify

log = structlog.get_logger(__name__)

# Checked against where there is no platform, so that an unknown one takes about as long as a known one.
_NOBODY = (Secret(uuid.UUID(int=0), secrets.token_bytes(32)),)
_UNSIGNED = Verdict("")

# A row outlives the longest time in which its signature could verify: twice the greatest tolerance.
_FIRST_USE = """
WITH gone AS (
    DELETE FROM exchange_seensignature WHERE id IN (
        SELECT id FROM exchange_seensignature WHERE seen_at < now() - interval '2 hours'
        ORDER BY seen_at LIMIT 10 FOR UPDATE SKIP LOCKED)
)
INSERT INTO exchange_seensignature (platform_id, digest, seen_at) VALUES (%s, %s, now())
ON CONFLICT (platform_id, digest) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Holds who says to call, and what came of checking it."""

    name: str  # as in the URL, empty for the default platform
    request: SignedRequest
    platform: PlatformRow | None = None
    row: ExchangeRow | None = None  # what was found for the ids, of which nothing is proven by itself
    verdict: Verdict = _UNSIGNED
    refusal: str = ""  # empty where signature and source network hold; otherwise the reason, for the trail
    simulated: bool = False  # by this service itself

    def proven(self) -> PlatformRow:
        """Return the platform that made the request. Raises :class:`Unauthenticated`."""
        if self.platform is None or self.refusal:
            raise Unauthenticated(self.refusal)
        return self.platform


def authenticate(request: HttpRequest, name: str, ids: ExchangeIds | None) -> Caller:
    """Check whether the platform ``name`` made the request. Refuses nothing: see :meth:`Caller.proven`.

    What ``ids`` name is looked up by the same statement, before it is known who asks.
    """
    signed = SignedRequest(request.META["REQUEST_METHOD"], *raw_target(request), request.META)
    found = find_exchange(name, ids)
    if found is None:
        verify(signed, Profile(), _NOBODY, time.time())
        return Caller(name, signed, refusal="unknown_platform")
    platform, row = found
    verdict = _UNSIGNED
    if platform.require_signature:
        verdict = verify(signed, platform.profile, _open(platform), time.time())
    refusal = _refusal(platform, verdict)
    simulated = False
    if verdict.secret_id is not None and not refusal:
        simulated = is_simulated(signed)
        if not simulated:
            last_uses.note(verdict.secret_id)
    return Caller(name, signed, platform, row, verdict, refusal, simulated)


def _refusal(platform: PlatformRow, verdict: Verdict) -> str:
    """Return why the platform's call is refused; empty where it is not. A signature is used up only by a sound call."""
    if not platform.is_active:
        return "platform_suspended"
    if not verdict.ok:
        return verdict.reason
    if not _comes_from_its_networks(platform):
        return "source_network"
    if platform.single_use_signatures and platform.require_signature and not _is_first_use(platform, verdict):
        return "signature_seen"
    return ""


def _open(platform: PlatformRow) -> list[Secret]:
    """Open the live secrets. One that does not open verifies nothing; the others still do."""
    opened = []
    for secret_id, sealed in platform.secrets:
        try:
            place = Place("keys.signingsecret", secret_id, "sealed", (str(platform.secret_set),))
            opened.append(Secret(secret_id, unseal(sealed, place)))
        except SealError as error:
            log.error("signing_secret_does_not_open", secret=str(secret_id), error=str(error))  # noqa: TRY400
    return opened


def _comes_from_its_networks(platform: PlatformRow) -> bool:
    """Check the source. Networks bind signed platforms too, where there are any; unsigned ones must have them."""
    if not platform.source_networks and platform.require_signature:
        return True
    return is_within(current_context().network_source, parse_networks(platform.source_networks))


def _is_first_use(platform: PlatformRow, verdict: Verdict) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_USE, [platform.id, verdict.signature])
        return bool(cursor.rowcount)

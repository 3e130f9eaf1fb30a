"""Who calls the exchange door. Every failure is the same 401; which one it was goes to the trail and the log."""

import secrets
import time
import uuid
from dataclasses import dataclass

import structlog
from django.db import connection
from django.http import HttpRequest

from credservice.crypto import Place, SealError, unseal
from credservice.exceptions import Unauthenticated
from credservice.http.client_address import is_within, parse_networks
from credservice.http.context import current_context
from credservice.http.raw_target import raw_target
from exchange.queries import PlatformRow, find_platform
from exchange.signing import Profile, Secret, SignedRequest, Verdict, verify

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


@dataclass(slots=True)
class Caller:
    """Who says to call, as far as it is known yet: ``proven`` once signature and source network hold."""

    name: str  # as in the URL, empty for the default platform
    platform: PlatformRow | None = None
    request: SignedRequest | None = None
    verdict: Verdict = _UNSIGNED
    proven: bool = False


def signed_request(request: HttpRequest) -> SignedRequest:
    return SignedRequest(request.META["REQUEST_METHOD"], *raw_target(request), request.META)


def authenticate(request: HttpRequest, caller: Caller) -> PlatformRow:
    """The platform that made the request, also noted in ``caller``. Raises :class:`Unauthenticated`."""
    signed = caller.request = signed_request(request)
    platform = caller.platform = find_platform(caller.name)
    if platform is None:
        verify(signed, Profile(), _NOBODY, time.time())
        raise Unauthenticated("unknown_platform")
    if platform.require_signature:
        caller.verdict = verify(signed, platform.profile, _open(platform), time.time())
    if not platform.is_active:
        raise Unauthenticated("platform_suspended")
    if not caller.verdict.ok:
        raise Unauthenticated(caller.verdict.reason)
    _check_source(platform)
    if platform.single_use_signatures and platform.require_signature:
        _use_once(platform, caller.verdict)
    caller.proven = True
    return platform


def _open(platform: PlatformRow) -> list[Secret]:
    """The live secrets. One that does not open verifies nothing; the others still do."""
    opened = []
    for secret_id, sealed in platform.secrets:
        try:
            opened.append(Secret(secret_id, unseal(sealed, Place("keys.signingsecret", secret_id, "sealed"))))
        except SealError as error:
            log.error("signing_secret_does_not_open", secret=str(secret_id), error=str(error))  # noqa: TRY400
    return opened


def _check_source(platform: PlatformRow) -> None:
    """Networks bind signed platforms too, where there are any; unsigned ones must have them."""
    if not platform.source_networks and platform.require_signature:
        return
    if not is_within(current_context().network_source, parse_networks(platform.source_networks)):
        raise Unauthenticated("source_network")


def _use_once(platform: PlatformRow, verdict: Verdict) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_USE, [platform.id, verdict.signature])
        if not cursor.rowcount:
            raise Unauthenticated("signature_seen")

"""Calls whose signature was refused, as the signature debugger needs them: the newest few of each platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import Error, models, transaction
from django.db.models import Subquery

from credservice.http.context import current_context
from exchange.diagnosis import PREFIX_HEADER, TIMESTAMP_HEADERS
from exchange.signing import SIGNATURE_HEADER, SignedRequest

if TYPE_CHECKING:
    from exchange.queries import PlatformRow

log = structlog.get_logger(__name__)

KEPT = 20  # of each platform
MAX_TEXT = 2000


class RefusedCall(models.Model):
    """What a signature was made over, and the headers it came in: no body, no cookie, no other header.

    A signature that was refused is good for nothing, until a setting is changed; then it was sent too long ago.
    """

    id = models.BigAutoField(primary_key=True)
    platform = models.ForeignKey("exchange.Platform", on_delete=models.CASCADE, related_name="refused_calls")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64)
    source = models.GenericIPAddressField(null=True)
    method = models.CharField(max_length=16)
    path = models.CharField(max_length=MAX_TEXT)
    query = models.CharField(max_length=MAX_TEXT, blank=True)
    headers = models.JSONField(help_text="By name, as sent.")

    class Meta:
        app_label = "exchange"
        indexes = [models.Index(fields=["platform", "-id"], name="exchange_refusedcall_newest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.reason}"

    @property
    def request(self) -> SignedRequest:
        return SignedRequest(self.method, self.path, self.query, as_environ(self.headers))


def as_environ(headers: dict[str, str]) -> dict[str, str]:
    return {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}


def keep_refused(platform: PlatformRow, request: SignedRequest, reason: str) -> None:
    """Best effort, like the refusal's line in the trail: what cannot be kept turns no refusal into an error."""
    context = current_context()
    names = [SIGNATURE_HEADER, platform.profile.timestamp_header, *TIMESTAMP_HEADERS, PREFIX_HEADER]
    headers = {name: text[:MAX_TEXT] for name in names if name and (text := request.header(name))}
    try:
        with transaction.atomic():
            RefusedCall.objects.create(
                platform_id=platform.id,
                reason=reason,
                request_id=context.request_id,
                source=context.source,
                method=request.method[:16],
                path=request.path[:MAX_TEXT],
                query=request.query[:MAX_TEXT],
                headers=headers,
            )
            kept = RefusedCall.objects.filter(platform_id=platform.id).order_by("-pk")
            kept.filter(pk__lte=Subquery(kept.values("pk")[KEPT : KEPT + 1])).delete()
    except Error as error:
        log.warning("refused_call_not_kept", error=type(error).__name__)

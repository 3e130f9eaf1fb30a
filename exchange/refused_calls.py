"""Calls whose signature was refused, as the signature debugger needs them: the newest few of each platform."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import structlog
from django.db import Error, models, transaction
from django.db.models import Subquery
from django.utils import timezone
from django.utils.functional import cached_property

from credservice.crypto import Place, seal, unseal
from credservice.crypto.fields import SealedField
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

    Sealed, since who configures a platform wrongly may send a secret where its signature belongs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.ForeignKey("exchange.Platform", on_delete=models.CASCADE, related_name="refused_calls")
    at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64)
    source = models.GenericIPAddressField(null=True)
    sealed_request = SealedField(editable=False)

    class Meta:
        app_label = "exchange"
        indexes = [models.Index(fields=["platform", "-at"], name="exchange_refusedcall_newest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.reason}"

    @property
    def place(self) -> Place:
        return Place("exchange.refusedcall", self.pk, "sealed_request")

    @cached_property
    def request(self) -> SignedRequest:
        """As it was sent. Raises :class:`credservice.crypto.SealError`."""
        method, path, query, headers = json.loads(unseal(bytes(self.sealed_request), self.place))
        return SignedRequest(method, path, query, as_environ(headers))


def as_environ(headers: dict[str, str]) -> dict[str, str]:
    return {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}


def keep_refused(platform: PlatformRow, request: SignedRequest, reason: str) -> None:
    """Best effort, like the refusal's line in the trail: what cannot be kept turns no refusal into an error."""
    context = current_context()
    names = [SIGNATURE_HEADER, platform.profile.timestamp_header, *TIMESTAMP_HEADERS, PREFIX_HEADER]
    headers = {name: text[:MAX_TEXT] for name in names if name and (text := request.header(name))}
    sent = [request.method[:16], request.path[:MAX_TEXT], request.query[:MAX_TEXT], headers]
    call = RefusedCall(platform_id=platform.id, reason=reason, request_id=context.request_id, source=context.source)
    try:
        with transaction.atomic():
            call.sealed_request = seal(json.dumps(sent).encode(), call.place)
            call.save(force_insert=True)
            kept = RefusedCall.objects.filter(platform_id=platform.id).order_by("-at")
            kept.filter(at__lte=Subquery(kept.values("at")[KEPT : KEPT + 1])).delete()
    except Error as error:
        log.warning("refused_call_not_kept", error=type(error).__name__)

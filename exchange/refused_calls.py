"""Keeps the newest calls of each platform whose signature was refused, for the signature debugger."""

import json
from datetime import timedelta

import structlog
from django.db import Error, transaction
from django.db.models import Subquery
from django.utils import timezone

from credservice.crypto import seal
from credservice.http.context import current_context
from exchange.models.refused_calls import RefusedCall
from exchange.queries import PlatformRow
from exchange.signatures.attempts import PREFIX_HEADER, timestamp_headers
from exchange.signatures.verify import SIGNATURE_HEADER, SignedRequest

log = structlog.get_logger(__name__)

KEPT = 20  # of each platform
KEPT_FOR = timedelta(days=30)
MAX_TEXT = 2000


def keep_refused(platform: PlatformRow, request: SignedRequest, reason: str) -> None:
    """Keep a refused call, at best effort: what cannot be kept turns no refusal into an error."""
    context = current_context()
    names = [SIGNATURE_HEADER, platform.profile.timestamp_header, *timestamp_headers(request), PREFIX_HEADER]
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


def forget_old() -> None:
    """Forget refused calls that nobody will ask about any more: each may hold what was sent by mistake."""
    RefusedCall.objects.filter(at__lte=timezone.now() - KEPT_FOR).delete()

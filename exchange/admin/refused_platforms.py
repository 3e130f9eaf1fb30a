"""Finds platforms of which calls are refused: how many of the last ones, why, and where that is explained."""

from collections import Counter
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from credservice.adminkit.links import list_url
from credservice.adminkit.menu import Need
from credservice.audit.models import AuditEvent
from exchange.audit import ACTION
from exchange.models import Installation, Platform
from exchange.models.refused_calls import RefusedCall
from exchange.refusals import WaitingForApproval

LOOKED_AT = 20  # newest calls of a platform
SHARE = 0.25  # of these, from which on somebody should look
AT_LEAST = 3
LATELY = timedelta(hours=24)
MAX_PLATFORMS = 20


def refused_platforms() -> list[Need]:
    """List them for the overview: by two short reads of an index for each platform."""
    found = (_need(platform) for platform in Platform.objects.filter(is_active=True)[:MAX_PLATFORMS])
    return [need for need in found if need is not None]


def _need(platform: Platform) -> Need | None:
    calls = _newest(platform)
    reasons = Counter(reason for _, outcome, reason in calls if outcome == "refused")
    refused = reasons.total()
    if refused < AT_LEAST or refused < SHARE * len(calls):
        return None
    [(reason, times)] = reasons.most_common(1)
    share = "most of them" if 2 * times > refused else "most often"
    sentence = f"{refused} of the last {len(calls)} calls of {platform} were refused, {share}: "
    return Need(sentence + reason.replace("_", " "), urgent=True, link=_explained(platform, reason))


def _newest(platform: Platform) -> list[tuple[int, str, str]]:
    """Read the newest calls: as id, outcome and reason. Those that were not proven have an actor of their own."""
    calls: list[tuple[int, str, str]] = []
    for actor in (f"platform:{platform.name}", f"unproven:{platform.name}"):
        lines = AuditEvent.objects.filter(actor=actor, action=ACTION, at__gte=timezone.now() - LATELY).order_by("-pk")
        calls += lines.values_list("pk", "outcome", "reason")[:LOOKED_AT]
    return sorted(calls, reverse=True)[:LOOKED_AT]


def call_of(platform: Platform, event: AuditEvent) -> RefusedCall | None:
    """Find the call that was refused with this line, while it is kept."""
    if not event.request_id:
        return None
    calls = platform.refused_calls.filter(request_id=event.request_id, reason=event.reason)
    return calls.order_by("-at").first()


def _explained(platform: Platform, reason: str) -> str:
    """Lead to the debugger with the newest of these calls, to what waits for approval, or to the calls' lines."""
    call = RefusedCall.objects.filter(platform=platform, reason=reason).order_by("-at").first()
    if call is not None:
        return f"{reverse('admin:exchange_platform_debugger', args=[platform.pk])}?call={call.pk}"
    waiting = Installation.objects.filter(platform=platform, state=Installation.State.PENDING)
    if reason == WaitingForApproval.code and waiting.exists():
        return list_url(Installation, state__exact="pending", platform__id__exact=platform.pk)
    actors = f"platform:{platform.name},unproven:{platform.name}"
    return list_url(AuditEvent, action=ACTION, outcome__exact="refused", reason=reason, actor=actors)

"""Finds platforms of which calls are refused: how many of the last ones, why, and where that is explained."""

from django.http import HttpRequest
from django.urls import reverse

from credservice.adminkit.links import list_url
from credservice.adminkit.menu import Need
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.refused_calls import RefusedCalls, refused_calls
from credservice.audit.models import AuditEvent
from exchange.audit import ACTION
from exchange.models import Installation, Platform
from exchange.models.refused_calls import RefusedCall
from exchange.refusals import WaitingForApproval

MAX_PLATFORMS = 20


def refused_platforms() -> list[Need]:
    """List them for the overview."""
    found = ((row, refused_of(row)) for row in Platform.objects.filter(is_active=True)[:MAX_PLATFORMS])
    return [
        Need(calls.sentence(), urgent=True, link=_explained(platform, calls))
        for platform, calls in found
        if calls.are_many()
    ]


def refused_of(platform: Platform) -> RefusedCalls:
    return refused_calls("platform", platform.name, AuditEvent.objects.filter(action=ACTION), action=ACTION)


def what_to_do(request: HttpRequest, platform: Platform, debugger: ObjectPage, trial: ObjectPage) -> list[Need]:
    """Lead, on the platform's page, to what explains its refused calls: the debugger, else a test of an exchange."""
    calls = refused_of(platform)
    if not calls.are_many():
        return []
    call = _kept(platform, calls.reason)
    if call is not None and debugger.link(request, platform):
        sentence = "Its calls are refused: see in the signature debugger why"
        return [Need(sentence, urgent=True, link=f"{debugger.url(platform)}?call={call.pk}")]
    if call is None and trial.link(request, platform):
        sentence = "Its calls are refused: test an exchange with the ids of one, and see why"
        return [Need(sentence, urgent=True, link=trial.url(platform))]
    return []


def call_of(platform: Platform, event: AuditEvent) -> RefusedCall | None:
    """Find the call that was refused with this line, while it is kept."""
    if not event.request_id:
        return None
    calls = platform.refused_calls.filter(request_id=event.request_id, reason=event.reason)
    return calls.order_by("-at").first()


def _kept(platform: Platform, reason: str) -> RefusedCall | None:
    return RefusedCall.objects.filter(platform=platform, reason=reason).order_by("-at").first()


def _explained(platform: Platform, calls: RefusedCalls) -> str:
    """Lead to the debugger with the newest of these calls, to what waits for approval, or to the calls' lines."""
    call = _kept(platform, calls.reason)
    if call is not None:
        return f"{reverse('admin:exchange_platform_debugger', args=[platform.pk])}?call={call.pk}"
    waiting = Installation.objects.filter(platform=platform, state=Installation.State.PENDING)
    if calls.reason == WaitingForApproval.code and waiting.exists():
        return list_url(Installation, state__exact="pending", platform__id__exact=platform.pk)
    return calls.trail_url()

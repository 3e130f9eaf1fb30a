"""Finds platforms of which calls are refused: how many of the last ones, why, and where that is explained."""

from django.http import HttpRequest
from django.urls import reverse

from credservice.adminkit.links import list_url
from credservice.adminkit.menu import Need
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.refused_calls import Look, RefusedCalls, refused_calls
from credservice.audit.models import AuditEvent
from exchange.audit import ACTION
from exchange.models import Installation, Platform
from exchange.models.refused_calls import RefusedCall
from exchange.refusals import WaitingForApproval

MAX_PLATFORMS = 20


def refused_platforms() -> list[Need]:
    """List them for the overview."""
    return [
        _need(platform, look)
        for platform in Platform.objects.filter(is_active=True)[:MAX_PLATFORMS]
        for look in refused_of(platform).many(settled=_settled(platform))
    ]


def refused_of(platform: Platform) -> RefusedCalls:
    exchanges = AuditEvent.objects.filter(action=ACTION)
    return refused_calls("platform", platform.name, exchanges, every_call=True, action=ACTION)


def what_to_do(request: HttpRequest, platform: Platform, debugger: ObjectPage, trial: ObjectPage) -> list[Need]:
    """Lead, on the platform's page, to what explains its refused calls: a test of an exchange, and the debugger."""
    proven, claimed = refused_of(platform)
    steps = []
    if proven.are_many(settled=_settled(platform)) and trial.link(request, platform):
        sentence = "Its calls are refused: test an exchange with the ids of one, and see why"
        steps.append(Need(sentence, urgent=True, link=trial.url(platform)))
    call = _kept(platform, claimed.reason) if claimed.are_many() else None
    if call is not None and debugger.link(request, platform):
        sentence = "Calls that claim to be its are refused: see in the signature debugger why"
        steps.append(Need(sentence, link=f"{debugger.url(platform)}?call={call.pk}"))
    elif call is not None and debugger.admin.has_view_permission(request):
        sentence = "Calls that claim to be its are refused: whoever may change the platform sees why, in its debugger"
        steps.append(Need(sentence, link=claimed.trail_url()))
    return steps


def call_of(platform: Platform, event: AuditEvent) -> RefusedCall | None:
    """Find the call that was refused with this line, while it is kept."""
    if not event.request_id:
        return None
    calls = platform.refused_calls.filter(request_id=event.request_id, reason=event.reason)
    return calls.order_by("-at").first()


def _kept(platform: Platform, reason: str) -> RefusedCall | None:
    """Find the newest one: only calls that prove nothing are kept."""
    return RefusedCall.objects.filter(platform=platform, reason=reason).order_by("-at").first()


def _need(platform: Platform, look: Look) -> Need:
    """Lead to the debugger with the newest of these calls, to what waits for approval, or to the calls' lines."""
    need = Need(look.sentence(), urgent=not look.is_claimed, link=_listed(platform, look), kind=look.kind)
    call = _kept(platform, look.reason) if look.is_claimed else None
    if call is None:
        return need
    debugger = f"{reverse('admin:exchange_platform_debugger', args=[platform.pk])}?call={call.pk}"
    return need._replace(link=debugger, needs="exchange.change_platform", instead=need.link)


def _waits(platform: Platform) -> bool:
    return Installation.objects.filter(platform=platform, state=Installation.State.PENDING).exists()


def _settled(platform: Platform) -> str:
    """Name the reason that calls are refused for no more: once nothing waits for approval, that one."""
    return "" if _waits(platform) else WaitingForApproval.code


def _listed(platform: Platform, look: Look) -> str:
    if look.reason == WaitingForApproval.code and _waits(platform):
        return list_url(Installation, state__exact="pending", platform__id__exact=platform.pk)
    return look.trail_url()

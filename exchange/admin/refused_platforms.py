"""Finds platforms of which calls are refused: how many of the last ones, why, and where that is explained."""

from functools import partial

from django.http import HttpRequest
from django.urls import reverse

from credservice.adminkit.links import field_of, list_url
from credservice.adminkit.menu import Need
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.refused_calls import AT_LEAST, LOOKED_AT, Look, RefusedCalls, newest_lines, refused_calls
from credservice.audit.models import AuditEvent
from credservice.core.ago import ago
from exchange.admin.trials import TestExchange
from exchange.audit import ACTION
from exchange.models import Installation, Platform
from exchange.models.refused_calls import RefusedCall
from exchange.refusals import WaitingForApproval
from exchange.services.default_impact import ADDRESS, Former, former_default
from exchange.services.settled_refusals import unsettled
from exchange.services.signature_impact import none_held_since

MAX_PLATFORMS = 20
_NONE_HELD = "None has held since its signature profile was changed"


def refused_platforms() -> list[Need]:
    """List them for the overview."""
    return [
        _need(platform, look)
        for platform in Platform.objects.order_by("-is_active", "name")[:MAX_PLATFORMS]
        for look in refused_of(platform).many()
    ]


def unnamed_calls() -> list[Need]:
    """Tell of calls to the address without a name, where no platform is the default one."""
    if Platform.objects.filter(is_default=True).exists():
        return []
    lines = AuditEvent.objects.filter(action=ACTION, reason="unknown_platform", detail__platform="")
    number, former = len(newest_lines(lines, "anonymous")), former_default()
    if number < AT_LEAST:
        return []
    calls = f"{number}{'' if number < LOOKED_AT else '+'} calls to {ADDRESS}, without a platform's name,"
    need = Need(f"{calls} were refused lately: no platform is the default one", kind="refused without a name")
    if former is None:
        return [need._replace(link=list_url(Platform))]
    link = field_of(former.platform, "is_default")
    return [need._replace(sentence=f"{need.sentence}. {former}", urgent=True, link=link)]


def refused_of(platform: Platform) -> RefusedCalls:
    exchanges = AuditEvent.objects.filter(action=ACTION)
    left = partial(unsettled, platform)
    return refused_calls("platform", platform.name, exchanges, every_call=True, unsettled=left, action=ACTION)


def what_to_do(
    request: HttpRequest, platform: Platform, refused: RefusedCalls, debugger: ObjectPage, trial: TestExchange
) -> list[Need]:
    """Lead, on the platform's page, to what explains its refused calls: a test of an exchange, and the debugger."""
    proven, claimed = refused
    steps = []
    if claimed.are_many() and (former := _answered_before(platform, claimed)):
        told = f"Calls to {ADDRESS}, without its name, are refused. {former}"
        sentence = f"{told}: if they are its calls, make it the default platform again"
        steps.append(Need(sentence, urgent=True, link=field_of(platform, "is_default")))
    if proven.are_many() and trial.link(request, platform):
        sentence = "Its calls are refused: test an exchange with the ids of one, and see why"
        sent = proven.details if request.user.has_perm("audit.view_auditevent") else ()
        steps.append(Need(sentence, urgent=True, link=trial.url_with(platform, sent)))
    call = _kept(platform, claimed.reason) if claimed.are_many() else None
    if call is not None and debugger.link(request, platform):
        sentence = "Calls that claim to be its are refused: see in the signature debugger why"
        if changed_at := none_held_since(platform):
            sentence = f"{_NONE_HELD} {ago(changed_at)}: see in the signature debugger why"
        link = f"{debugger.url(platform)}?call={call.pk}"
        steps.append(Need(sentence, urgent=changed_at is not None, link=link))
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
    if not platform.is_active:
        return look.need_of_suspended(platform)
    if former := _answered_before(platform, look):
        sentence = f"{look.sentence(whose=f'to {ADDRESS}, without the name {platform},')}. {former}"
        return Need(sentence, urgent=True, link=field_of(platform, "is_default"), kind=look.kind)
    need = Need(look.sentence(), urgent=not look.is_claimed, link=_listed(platform, look), kind=look.kind)
    if look.is_claimed and (changed_at := none_held_since(platform)):
        need = need._replace(sentence=f"{need.sentence}. {_NONE_HELD} {ago(changed_at)}", urgent=True)
    call = _kept(platform, look.reason) if look.is_claimed else None
    if call is None:
        return need
    return need._replace(link=f"{reverse('admin:exchange_platform_debugger', args=[platform.pk])}?call={call.pk}")


def _answered_before(platform: Platform, look: Look) -> Former | None:
    """Find whose most of these claims may be: they name nobody, and another platform answered at their address."""
    unnamed = sum(detail.get("platform") == "" for detail in look.details)
    return former_default() if look.is_claimed and platform.is_default and 2 * unnamed > look.refused else None


def _listed(platform: Platform, look: Look) -> str:
    if look.reason == WaitingForApproval.code:
        return list_url(Installation, state__exact="pending", platform__id__exact=platform.pk)
    return look.trail_url()

"""Makes an end user's page the place to work on a customer from: who it is elsewhere, what is next, who saw what."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from credservice.adminkit.links import list_url
from credservice.adminkit.menu import MAX_COUNTED, Need, counted
from credservice.console.audit.who_saw import WhoSaw
from credservice.credentials.admin.related import left_outside
from credservice.credentials.models import Credential
from exchange.models import EndUser, Grant, Installation

GRANTS = 20  # that are looked at for one that hands something out


def identities(obj: EndUser) -> QuerySet[EndUser]:
    """Find the same customer on every platform: by the vendor's own id, where it has one."""
    if obj.external_id:
        return EndUser.objects.filter(external_id=obj.external_id).select_related("platform").order_by("created_at")
    return EndUser.objects.filter(pk=obj.pk).select_related("platform")


class WhoSawCustomer(WhoSaw):
    """Of all the customer's credentials, on all platforms."""

    def subjects(self, obj: EndUser) -> list[str]:
        return [identity.subject for identity in identities(obj)]


def grant_url(obj: EndUser) -> str:
    """Find the page that grants this customer a credential."""
    return f"{reverse('admin:exchange_grant_add')}?end_user={obj.pk}"


def with_newest(grants: list[Any]) -> None:
    """Note on each grant the newest credential that it hands out, by one query."""
    found = Credential.objects.filter(line__in={grant.line for grant in grants}).select_related("policy")
    rows = found.order_by("created_at").defer("sealed_values", "context", "handle")
    newest = {credential.line: credential for credential in rows}
    for grant in grants:
        grant.newest = newest.get(grant.line)


def next_steps_of(request: HttpRequest, obj: EndUser) -> list[Need]:
    """List what is wrong or missing, for whoever may mend it; of what one may not see, nothing is asked."""
    steps = (step(obj) for permission, step in _STEPS if request.user.has_perm(permission))
    return [need for need in steps if need is not None]


def _resume(obj: EndUser) -> Need | None:
    if obj.is_active:
        return None
    page = reverse("admin:exchange_enduser_resume", args=[quote(obj.pk)])
    return Need("Suspended: its exchanges are refused. Resume it", link=page)


def _end_outside(obj: EndUser) -> Need | None:
    left = Credential.objects.filter(subject=obj.subject, outside__in=Credential.STILL_OUTSIDE)[:MAX_COUNTED].count()
    link = list_url(Credential, subject=obj.subject, state__exact="may-still-work")
    return Need(left_outside(left, "ended credential"), urgent=True, link=link) if left else None


def _approve(obj: EndUser) -> Need | None:
    waiting = Installation.objects.filter(end_user=obj, state=Installation.State.PENDING)[:MAX_COUNTED].count()
    link = list_url(Installation, end_user__id__exact=obj.pk, state__exact="pending")
    return Need(f"{counted(waiting, 'installation')} waiting for approval", link=link) if waiting else None


def _grant(obj: EndUser) -> Need | None:
    lines = Grant.objects.filter(end_user=obj).order_by("-created_at").values_list("line", flat=True)[:GRANTS]
    found = Credential.objects.filter(line__in=list(lines), state__in=Credential.USABLE)
    if any(credential.is_usable() for credential in found):
        return None
    sentence = "No credential is handed out: grant one, or let a first exchange make one where the policy does"
    return Need(sentence, link=grant_url(obj))


_STEPS: tuple[tuple[str, Callable[[EndUser], Need | None]], ...] = (
    ("exchange.suspend_enduser", _resume),
    ("credentials.view_credential", _end_outside),
    ("exchange.approve_installation", _approve),
    ("exchange.add_grant", _grant),
)

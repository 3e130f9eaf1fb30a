"""Makes an end user's page the place to work on a customer from: who it is elsewhere, what is next, who saw what."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import quote
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from credservice.adminkit.links import field_of, list_url, may_view, page_of
from credservice.adminkit.menu import MAX_COUNTED, Need, counted
from credservice.audit.models import AuditEvent
from credservice.console.audit.who_saw import Places, WhoSaw
from credservice.core.names import printable
from credservice.credentials.admin.filters import LEAKED_LIVE
from credservice.credentials.admin.related import left_outside
from credservice.credentials.models import Credential
from exchange.audit import ACTION
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from exchange.services.answer_impact import Answer
from exchange.services.customer_answers import SUSPENDED, unanswered_today, why_unanswered_today
from exchange.shapes import CREDENTIAL, END_USER, INSTALLATION

GRANTS = 20  # that are looked at for one that hands something out
LINES = 1000  # of the trail, the newest, that are looked at for a refused call
LATELY = timedelta(days=7)
Pages = Mapping[tuple[UUID, UUID | None], str]  # by integration and installation, as grants name them


def identities(obj: EndUser) -> QuerySet[EndUser]:
    """Find the same customer on every platform: by the vendor's own id, where it has one."""
    if obj.external_id:
        return EndUser.objects.filter(external_id=obj.external_id).select_related("platform").order_by("created_at")
    return EndUser.objects.filter(pk=obj.pk).select_related("platform")


class WhoSawCustomer(WhoSaw):
    """Of all the customer's credentials, on all platforms."""

    place_columns = ("Platform", "Integration", "Installation")

    def subjects(self, obj: EndUser) -> list[str]:
        return [identity.subject for identity in identities(obj)]

    def places(self, request: HttpRequest, obj: EndUser) -> Places:
        """Name the place that a hand-out was for; of what else showed a credential, those that its grants name."""
        ours = list(identities(obj))
        platforms = {one.subject: one.platform for one in ours}
        found = Integration.objects.filter(platform__in=platforms.values())
        integrations = {(one.platform_id, one.integration_id): str(one) for one in found}
        grants: dict[UUID, list[Grant]] = defaultdict(list)
        for grant in Grant.objects.filter(end_user__in=ours).select_related("integration", "installation"):
            grants[grant.line].append(grant)
        shown = [may_view(request, model) for model in (Platform, Integration, Installation)]

        def place(event: AuditEvent, line: UUID | None) -> tuple[str, ...]:
            platform, told = platforms.get(event.subject), event.detail
            integration, installation = str(told.get("integration", "")), str(told.get("installation", ""))
            if event.action == ACTION and platform:
                integration = integrations.get((platform.pk, integration), integration)
            elif line:
                by = grants[line]
                integration = ", ".join(sorted({str(one.integration) for one in by}))
                installation = ", ".join(sorted({str(one.installation) for one in by if one.installation}))
            names = (str(platform or ""), integration, installation)
            return tuple(name if may else "" for name, may in zip(names, shown, strict=True))

        return place


def grant_url(obj: EndUser, integration: Integration | None = None) -> str:
    """Find the page that grants this customer a credential; for a known integration, its second step."""
    known = f"&integration={integration.pk}" if integration else ""
    return f"{reverse('admin:exchange_grant_add')}?end_user={obj.pk}{known}"


def with_shown(grants: list[Any]) -> None:
    """Note on each grant the credential that it hands out or, where it hands none out, its newest: by one query."""
    found = Credential.objects.filter(line__in={grant.line for grant in grants}).select_related("policy")
    usable = Exists(Credential.objects.usable().filter(pk=OuterRef("pk")))
    rows = found.annotate(may_be_handed_out=usable).defer("sealed_values", "context", "handle")
    # The last of a line stays: as an exchange chooses, the active one before the newest that still retires.
    shown = {credential.line: credential for credential in sorted(rows.order_by("created_at"), key=_precedence)}
    for grant in grants:
        grant.shown = shown.get(grant.line)


def _precedence(credential: Any) -> int:
    return credential.may_be_handed_out and (2 if credential.state == Credential.State.ACTIVE else 1)


def next_steps_of(request: HttpRequest, obj: EndUser) -> list[Need]:
    """List what is wrong or missing, for whoever may mend it; of what one may not see, nothing is asked."""
    unanswered = _unanswered(request, obj) if request.user.has_perm("exchange.view_installation") else []
    steps = (step(obj) for permission, step in _STEPS if request.user.has_perm(permission))
    told = {need.link.partition("&")[0] for need in unanswered}  # one to grant is enough, if for an integration
    return [*unanswered, *(need for need in steps if need is not None and need.link not in told)]


def newest_lines(obj: EndUser) -> QuerySet[AuditEvent]:
    """Find the newest lines of this customer's trail: by the index of subjects alone, and so many at most.

    With the outcome or the time among the conditions, PostgreSQL may read all that was refused to anybody.
    """
    return AuditEvent.objects.filter(subject=obj.subject).order_by("-id").defer("detail")[:LINES]


def last_refused(obj: EndUser) -> AuditEvent | None:
    """Find the last call for this customer that was refused lately."""
    since = timezone.now() - LATELY
    lately = takewhile(lambda line: line.at >= since, newest_lines(obj))
    return next((line for line in lately if (line.action, line.outcome) == (ACTION, "refused")), None)


def _unanswered(request: HttpRequest, obj: EndUser) -> list[Need]:
    """Say of each installation that gets no answer why, and what would mend it."""
    found = list(unanswered_today(obj))
    pages = _credential_pages(request, obj, [answer for _, answer in found])
    return [
        _unanswered_step(request, each, answer, f"{each} of {each.integration.integration_id}", pages)
        for each, answer in found
    ]


def steps_of_installation(request: HttpRequest, obj: Installation) -> list[Need]:
    """Say that its platform is suspended; of one that was let in and gets no answer why, and what would mend it."""
    if not request.user.has_perm("exchange.view_enduser"):
        return []
    answer, platform = why_unanswered_today(obj), _resume_platform(obj.end_user)
    steps = [platform] if platform and may_view(request, Platform) else []
    if answer is not None:
        steps.append(_unanswered_step(request, obj, answer, "It", _credential_pages(request, obj.end_user, [answer])))
    return steps


def _unanswered_step(request: HttpRequest, installation: Installation, answer: Answer, name: str, pages: Pages) -> Need:
    """Say all that is missing and what mends it; lead to where the first of it is mended."""
    steps = dict(_mending(request, installation, answer, pages))
    link = next(iter(steps.values()))
    if not answer.lacks and not request.user.has_perm("exchange.add_grant"):
        link = page_of(installation)
    return Need(printable(f"{name} gets no answer: {answer.why}. {'. '.join(steps)}"), urgent=True, link=link)


def _mending(
    request: HttpRequest, installation: Installation, answer: Answer, pages: Pages
) -> Iterator[tuple[str, str]]:
    """Yield what mends each lack, with the page for it; the same sentence for those that are mended at one place."""
    obj = installation.end_user
    if not answer.lacks:
        yield "Grant a credential", grant_url(obj, installation.integration)
    attributes = Counter(lack.kind for lack in answer.lacks if lack.what != "external_id")
    may_write = request.user.has_perm("credentials.change_credentialpolicy")
    for kind, what, _ in answer.lacks:
        them = "them" if attributes[kind] > 1 else "it"
        write = f"Write {them}" if may_write else f"A secrets manager can write {them}"
        if what == "external_id" and request.user.has_perm("exchange.rebind_enduser"):
            yield "Re-bind it to your customer", reverse("admin:exchange_enduser_rebind", args=[quote(obj.pk)])
        elif what == "external_id":
            yield "A secrets manager can re-bind it to your customer", page_of(obj)
        elif kind == END_USER:
            yield f"{write} under attributes", field_of(obj, "attributes")
        elif kind == INSTALLATION:
            yield f"{write} among the installation's attributes", field_of(installation, "attributes")
        elif kind == CREDENTIAL:
            key = installation.integration_id, installation.pk
            found = pages.get(key) or pages.get((installation.integration_id, None))
            yield "Replace the credential's values", found or list_url(Grant, end_user__id__exact=obj.pk)
        elif kind == SUSPENDED:
            yield "Resume the integration", page_of(installation.integration)


def _credential_pages(request: HttpRequest, obj: EndUser, answers: Iterable[Answer]) -> Pages:
    """Find the pages of what a customer's grants hand out, which take new values; none where no answer lacks any."""
    lacks = {lack.kind for answer in answers for lack in answer.lacks}
    if CREDENTIAL not in lacks or not may_view(request, Credential):
        return {}
    grants = Grant.objects.filter(end_user=obj).order_by("-created_at")[:MAX_COUNTED]
    lines = {(grant.integration_id, grant.installation_id): grant.line for grant in grants}
    rows = Credential.objects.usable().filter(line__in=lines.values(), subject=obj.subject)
    newest: dict[UUID, Credential] = {}
    for row in rows.order_by("state", "-created_at"):
        newest.setdefault(row.line, row)
    return {key: page_of(newest[line]) for key, line in lines.items() if line in newest}


def _resume_platform(obj: EndUser) -> Need | None:
    if obj.platform.is_active:
        return None
    sentence = f"Its platform {obj.platform} is suspended: all of its calls are refused. Resume the platform"
    return Need(printable(sentence), urgent=True, link=page_of(obj.platform))


def _resume(obj: EndUser) -> Need | None:
    if obj.is_active:
        return None
    page = reverse("admin:exchange_enduser_resume", args=[quote(obj.pk)])
    return Need("Suspended: its exchanges are refused. Resume it", link=page)


def _replace_leaked(obj: EndUser) -> Need | None:
    found = list(Credential.objects.filter(LEAKED_LIVE, subject=obj.subject)[:MAX_COUNTED])
    if not found:
        return None
    are, them = ("is", "it") if len(found) == 1 else ("are", "them")
    link = page_of(found[0]) if len(found) == 1 else list_url(Credential, subject=obj.subject)
    sentence = f"{counted(len(found), 'leaked credential')} {are} still handed out: replace {them} as leaked"
    return Need(sentence, urgent=True, link=link)


def _end_outside(obj: EndUser) -> Need | None:
    found = Credential.objects.filter(subject=obj.subject, outside__in=Credential.UNCONFIRMED)
    left = list(found.values_list("leaked_at", flat=True)[:MAX_COUNTED])
    if not left:
        return None
    leaked = len(left) - left.count(None)
    noun, some = ("leaked credential", 0) if leaked == len(left) else ("ended credential", leaked)
    link = list_url(Credential, subject=obj.subject, state__exact="may-still-work")
    return Need(left_outside(len(left), noun, leaked=some), urgent=True, link=link)


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
    ("exchange.view_platform", _resume_platform),
    ("exchange.suspend_enduser", _resume),
    ("credentials.view_credential", _replace_leaked),
    ("credentials.view_credential", _end_outside),
    ("exchange.approve_installation", _approve),
    ("exchange.add_grant", _grant),
)

"""Lists and shows credentials in the console. Values show nowhere; each act has a page of its own (``pages``)."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, NamedTuple

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import slugify
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit.fact_tables import fact_table
from credservice.adminkit.filters import StatesFilter
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_link, names_for, names_of, thing_link
from credservice.adminkit.menu import MAX_COUNTED, Menu, Need, counted
from credservice.adminkit.model_admin import LargeListAdmin, Others, ReadOnly, by_id
from credservice.adminkit.moments import moment
from credservice.adminkit.object_header import Fact
from credservice.adminkit.sentences import actor_name
from credservice.adminkit.suspensions import SUSPENDED, suspended_since
from credservice.audit.names import object_type_of
from credservice.core.ids import as_uuid, find_ours
from credservice.core.last_used import NONE_YET
from credservice.credentials.admin import bulk, pages
from credservice.credentials.admin.related import left_outside, name_of, version_link
from credservice.credentials.hooks import subject_kinds
from credservice.credentials.models import FAILS_AFTER, LEAKED, STUCK_AFTER, Credential, stuck

State, Outside = Credential.State, Credential.Outside
FAILING = {"stuck": "failing"}
IS_STUCK = Q(attempts__gte=STUCK_AFTER)
HAS_LEAKED = Q(leaked_at__isnull=False)
LEAKED_LIVE = Q(state=State.ACTIVE) & HAS_LEAKED
SUCCESSOR_COMES = Q(Exists(Credential.objects.filter(predecessor=OuterRef("pk"), state=State.PENDING)))
FORCED, LEAKED_FORCED = Q(outside=Outside.FORCED) & ~HAS_LEAKED, Q(outside=Outside.FORCED) & HAS_LEAKED
ENDING = Q(state=State.RETIRING, retires_at__lte=Now())
FAILED_LATELY = Q(state=State.FAILED, created_at__gte=Now() - timedelta(days=1))
MIN_PREFIX = 4  # characters of a hint

# Said of a credential only where there is something to say.
UNSAID = {
    *("activated_at", "refresh_at", "rotates_at", "retires_at", "ended_at"),
    *("attempts", "next_attempt_at", "failure"),
}
DATES = (
    "created_at",
    "activated_at",
    "expires_at",
    "refresh_at",
    "rotates_at",
    "retires_at",
    "ended_at",
    "last_checked",
)


class LinkedFilter(DropdownFilter):
    """Filters by what a link names; offered only where one led here, to be taken away again."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = (self.value() or "").strip()
        return [(value, self.name_of(value))] if value else []

    def name_of(self, value: str) -> str:
        """Name what was linked as a person would."""
        raise NotImplementedError


class SubjectFilter(LinkedFilter):
    title, parameter_name = "customer", "subject"

    def name_of(self, value: str) -> str:
        return names_of([value]).get(value, value)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        subject = (self.value() or "").strip()
        return queryset.filter(subject=subject) if subject else queryset


class StateFilter(StatesFilter):
    """Offers the states, and what may be left of those that have ended."""

    groups: ClassVar = {
        "may still work": Q(outside__in=Credential.UNCONFIRMED),
        "ended, may still work": Q(outside=Outside.OPEN),
        "leaked, may still work": Q(outside=Outside.LEAKED),
        "force-ended": FORCED,
        "leaked, force-ended": LEAKED_FORCED,
        "leaked, still handed out": LEAKED_LIVE & SUCCESSOR_COMES,
        "leaked, without a successor": LEAKED_LIVE & ~SUCCESSOR_COMES,
        "being ended": ENDING,
        "leaked, being ended": ENDING & HAS_LEAKED,
        "being ended, not leaked": ENDING & ~HAS_LEAKED,
        "failed since yesterday": FAILED_LATELY,
    }


class StuckFilter(DropdownFilter):
    """Finds what keeps failing at an issuer: see Credential.is_stuck."""

    title, parameter_name = "trouble", "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Stuck"), ("failing", "Failing")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        attempts = {"yes": STUCK_AFTER, "failing": FAILS_AFTER}.get(self.value() or "")
        return queryset.filter(stuck(attempts)) if attempts else queryset


def _reported(obj: Credential) -> Any:
    return format_html("reported {} by {}", moment(obj.leaked_at), actor_name(obj.leaked_by))


def _trouble(obj: Credential) -> list[Fact]:
    """Tell what keeps failing, and when it is tried again."""
    if not obj.has_failed_so_far():
        return []
    why = f"{obj.attempts} {'attempt' if obj.attempts == 1 else 'attempts'}: {obj.failure or 'no reason is known'}"
    return [Fact("Failed", why), Fact("Next attempt", moment(obj.next_attempt_at, "as soon as the worker can"))]


def _bounded(condition: Q) -> int:
    return Credential.objects.filter(condition)[:MAX_COUNTED].count()


class OpenPoint(NamedTuple):
    """Names what a person should see to: which credentials, how to say how many, and the group of ``StateFilter``."""

    condition: Q
    told: Callable[[int], str]
    group: str
    urgent: bool = True
    is_stuck: bool = False

    @property
    def filters(self) -> dict[str, str]:
        return ({"stuck": "yes"} if self.is_stuck else {}) | {"state__exact": slugify(self.group)}


def _still_handed_out(number: int) -> str:
    are, wait = ("is", "its successor waits") if number == 1 else ("are", "their successors wait")
    return f"{counted(number, 'leaked credential')} {are} still handed out: {wait} for the issuer"


def _without_successor(number: int) -> str:
    are, them = ("is", "it") if number == 1 else ("are", "them")
    return f"{counted(number, 'leaked credential')} {are} still handed out, without a successor to come: revoke {them}"


def _left(noun: str) -> Callable[[int], str]:
    return lambda number: left_outside(number, noun)


def _stuck(noun: str) -> Callable[[int], str]:
    return lambda number: f"{counted(number, noun)} stuck: the issuer keeps failing"


OPEN_POINTS = (
    OpenPoint(LEAKED_LIVE & SUCCESSOR_COMES, _still_handed_out, "leaked, still handed out"),
    OpenPoint(LEAKED_LIVE & ~SUCCESSOR_COMES, _without_successor, "leaked, without a successor"),
    OpenPoint(Q(outside=Outside.LEAKED), _left("leaked credential"), "leaked, may still work"),
    OpenPoint(LEAKED_FORCED, _left("leaked, force-ended credential"), "leaked, force-ended"),
    OpenPoint(Q(outside=Outside.OPEN), _left("ended credential"), "ended, may still work", urgent=False),
    OpenPoint(FORCED, _left("force-ended credential"), "force-ended", urgent=False),
    OpenPoint(
        ENDING & HAS_LEAKED & IS_STUCK,
        lambda number: f"{counted(number, 'leaked credential')} whose end is stuck: the issuer keeps failing",
        "leaked, being ended",
        is_stuck=True,
    ),
    OpenPoint(ENDING & ~HAS_LEAKED & IS_STUCK, _stuck("revocation"), "being ended, not leaked", is_stuck=True),
    OpenPoint(Q(state=State.PENDING) & IS_STUCK, _stuck("issue"), "pending", is_stuck=True),
    OpenPoint(
        FAILED_LATELY,
        lambda number: f"{counted(number, 'credential')} failed to be made since yesterday",
        "failed since yesterday",
        urgent=False,
    ),
)


class IssuerFilter(LinkedFilter):
    title, parameter_name = "issuer", "issuer"

    def name_of(self, value: str) -> str:
        return value

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        issuer = (self.value() or "").strip()
        return queryset.filter(policy__issuer=issuer) if issuer else queryset


class LineFilter(LinkedFilter):
    title, parameter_name = "versions of", "line"

    def name_of(self, value: str) -> str:
        first = find_ours(Credential.objects.select_related("policy"), value)
        return name_of(first) if first else value

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        line = (self.value() or "").strip()
        if not line:
            return queryset
        return queryset.filter(line=line) if as_uuid(line) else queryset.none()


@admin.register(Credential)
class CredentialAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Credentials", 11, "password")
    about = "Every credential that was made: whose it is, its state, and when it ends. Values stay sealed."
    empty_help = "Credentials are made by grants, by first exchanges, and by a marketplace's orders."
    object_pages = (
        *(pages.Rotate, pages.Replace, pages.Reveal, pages.Revoke),
        *(pages.RetryNow, pages.ForceEnd, pages.ConfirmEnd),
    )
    bulk_actions = (bulk.rotate_all, bulk.revoke_all, bulk.force_all, bulk.confirm_all)
    cards_first = True
    list_display = ("name", "shown_state", "shown_subject", "policy", "created_at", "expires_at", "last_used_at")
    list_select_related = ("policy",)
    list_filter: ClassVar[tuple[Any, ...]] = (
        StateFilter,
        ("policy", AutocompleteSelectFilter),
        StuckFilter,
        SubjectFilter,
        LineFilter,
        IssuerFilter,
    )
    search_help_text = "Customer's id, how its name begins, our id or a hint"
    fieldsets = (
        ("Versions", {"fields": ("shown_predecessor", "shown_successors", "shown_line")}),
        ("Dates", {"fields": DATES}),
        ("Issuer", {"fields": ("shown_context", "attempts", "next_attempt_at", "failure")}),
    )
    readonly_fields = (
        "shown_predecessor",
        "shown_successors",
        "shown_line",
        "last_checked",
        "shown_context",
    )

    def object_title(self, obj: Credential) -> str:
        """Name the version, and its customer."""
        name = name_of(obj)
        whose = names_for(obj).get(obj.subject, "")
        return f"{name} for {whose}" if whose else name

    def facts(self, request: HttpRequest, obj: Credential) -> list[Fact]:
        ends = {"Ended": obj.ended_at, "Ends": obj.retires_at or obj.expires_at, "Rotates": obj.rotates_at}
        end = next(((name, at) for name, at in ends.items() if at is not None), None)
        return [
            Fact("Customer", self.shown_subject(obj) or "nobody"),
            Fact("Policy", link_to(obj.policy)),
            Fact("Created", moment(obj.created_at)),
            *([Fact(end[0], moment(end[1]))] if end else []),
            *_trouble(obj),
            *([Fact("Leaked", _reported(obj))] if obj.leaked_at else []),
            *([Fact("Last checked", moment(obj.last_used_at, NONE_YET))] if obj.lookup or obj.last_used_at else []),
        ]

    def suspension(self, request: HttpRequest, obj: Credential) -> str:
        """Say it of its customer, with whom it is suspended."""
        since = suspended_since(request, obj.subject) if obj.state_word().removeprefix(LEAKED) == SUSPENDED else ""
        return format_html("Suspended with {} {}", self.shown_subject(obj), since) if since else ""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the dates that it does not have, and the troubles that it has not had."""
        hidden = {name for name in UNSAID if not getattr(obj, name, None)}
        sets = super().get_fieldsets(request, obj)
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in hidden]})
            for title, options in sets
        ]

    def page_links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        links = super().page_links(request, obj)
        if not request.user.has_perm("audit.view_auditevent"):
            return links
        seen = reverse("admin:audit_auditevent_seen", args=[obj.pk])
        return [
            *links,
            {"title": "Who could have seen it", "icon": "group_search", "variant": ActionVariant.DEFAULT, "path": seen},
        ]

    def next_steps(self, request: HttpRequest, obj: Credential) -> list[Need]:
        if not obj.is_leaked_and_live() or not pages.Revoke(self).allowed(request, obj):
            return []
        sentence = f"{pages.still_handed_out(obj)} Revoke it to end it now"
        return [Need(sentence, urgent=True, link=pages.revoke_url(obj))]

    def needs_operator(self) -> list[Need]:
        counts = [(point, _bounded(point.condition)) for point in OPEN_POINTS]
        needs = (Need(point.told(number), point.filters, point.urgent) for point, number in counts if number)
        return [*self._failing_issuers(), *needs]

    def _failing_issuers(self) -> list[Need]:
        """Tell which issuers are down, by what waits for each: see :func:`stuck`, sooner."""
        failing = Credential.objects.filter(stuck(FAILS_AFTER)).order_by()
        rows = list(failing.values_list("policy__issuer", "failure")[:MAX_COUNTED])
        waiting = Counter(issuer for issuer, _ in rows)
        why = dict(rows)  # the same outage has the same reason, mostly: one of them is told
        told = {issuer: f"{counted(number, 'credential')} waiting for it" for issuer, number in waiting.items()}
        return [
            Need(f"The issuer {name} fails, {told[name]}: {why[name]}", FAILING | {"issuer": name}, urgent=True)
            for name in sorted(told)
        ]

    def under_way(self) -> list[Need]:
        making = _bounded(Q(state=State.PENDING))
        ending = _bounded(Q(state=State.RETIRING, retires_at__lte=timezone.now()))
        lines = (
            (making, Need(f"{counted(making, 'credential')} being created", {"state__exact": "pending"})),
            (ending, Need(f"{counted(ending, 'credential')} being ended", {"state__exact": "being-ended"})),
        )
        return [need for number, need in lines if number]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists never carry what is sealed."""
        queryset = super().get_queryset(request)
        return queryset.defer("sealed_values", "lookup", "value_digests", "handle")

    def find(self, term: str) -> list[Q]:
        return [Q(subject=term), Q(hint=term), *(q for pk in by_id(term) for q in (pk, Q(line=term)))]

    def find_of_others(self, others: Others) -> list[Q]:
        """Match the credentials of customers whom their own lists find."""
        kinds = subject_kinds()
        models = [(kind, model) for model in admin.site._registry if (kind := object_type_of(model)) in kinds]
        return [Q(subject__in=[f"{kind}:{pk}" for kind, model in models for pk in others.keys(model)])]

    def find_beginning(self, term: str) -> list[Q]:
        """The prefix that keys of a kind share, and what follows it in a hint."""
        return [Q(hint__startswith=term)] if len(term) >= MIN_PREFIX else []

    def tell_apart(self, obj: Credential) -> str:
        policy = str(obj.policy) if obj.hint else ""  # which its title has otherwise
        return " · ".join(part for part in (policy, obj.state_word()) if part)

    def prepare_rows(self, rows: list[Any]) -> None:
        names = names_of(row.subject for row in rows)
        for row in rows:
            row.subject_names = names

    @display(description="Credential")
    def name(self, obj: Credential) -> str:
        return name_of(obj)

    @display(description="Last checked")
    def last_checked(self, obj: Credential) -> str:
        return f"{obj.last_used_at:%Y-%m-%d %H:%M}" if obj.last_used_at else "-"

    @display(description="Context")
    def shown_context(self, obj: Credential) -> Any:
        return fact_table(obj.context)

    @display(description="State")
    def shown_state(self, obj: Credential) -> Any:
        return label(obj.state_word())

    @display(description="Customer")
    def shown_subject(self, obj: Credential) -> Any:
        return thing_link(obj.subject, names_for(obj))

    @display(description="Previous version")
    def shown_predecessor(self, obj: Credential) -> Any:
        return version_link(obj.predecessor) if obj.predecessor else "none: this is the first version"

    @display(description="Next versions")
    def shown_successors(self, obj: Credential) -> Any:
        newest = obj.successors.select_related("policy").order_by("-created_at")
        found = [version_link(successor) for successor in newest[:10]]
        return format_html("{}" * len(found), *found) if found else "none"

    @display(description="Versions")
    def shown_line(self, obj: Credential) -> Any:
        return list_link(Credential, "All versions", line=obj.line)


def register_filter(found: type[admin.SimpleListFilter]) -> None:
    """Offer a door's filter in the list of credentials: by what it hands them out for. For the doors' admin."""
    CredentialAdmin.list_filter = (*CredentialAdmin.list_filter, found)

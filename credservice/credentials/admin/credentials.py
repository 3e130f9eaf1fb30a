"""Lists and shows credentials in the console. Values show nowhere; each act has a page of its own (``rotating``,
``ending``)."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit.fact_tables import fact_table
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_link, names_for, names_of, thing_link
from credservice.adminkit.menu import Menu, Need
from credservice.adminkit.model_admin import LargeListAdmin, Others, ReadOnly, by_id
from credservice.adminkit.moments import moment
from credservice.adminkit.object_header import Fact
from credservice.adminkit.sentences import actor_name
from credservice.adminkit.suspensions import SUSPENDED, suspended_since
from credservice.audit.names import object_type_of
from credservice.core.last_used import NONE_YET
from credservice.credentials.admin import bulk, ending, open_points, rotating
from credservice.credentials.admin.filters import (
    IssuerFilter,
    LackingFilter,
    LineFilter,
    StateFilter,
    StuckFilter,
    SubjectFilter,
)
from credservice.credentials.admin.outside import still_handed_out, still_in_use
from credservice.credentials.admin.related import version_link
from credservice.credentials.hooks import subject_kinds
from credservice.credentials.models import LEAKED, LEAKED_WITH, Credential
from credservice.credentials.policy_impact import NO_MORE

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


def _reported(obj: Credential) -> Any:
    if obj.leaked_by.startswith(LEAKED_WITH):
        other = thing_link(obj.leaked_by, names_of([obj.leaked_by]))
        return format_html("with {}, reported {}", other, moment(obj.leaked_at))
    return format_html("reported {} by {}", moment(obj.leaked_at), actor_name(obj.leaked_by))


def _trouble(obj: Credential) -> list[Fact]:
    """Tell what keeps failing, and when it is tried again."""
    if not obj.has_failed_so_far():
        return []
    why = f"{obj.attempts} {'attempt' if obj.attempts == 1 else 'attempts'}: {obj.failure or 'no reason is known'}"
    return [Fact("Failed", why), Fact("Next attempt", moment(obj.next_attempt_at, "as soon as the worker can"))]


@admin.register(Credential)
class CredentialAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Credentials", 11, "password")
    about = "Every credential that was made: whose it is, its state, and when it ends. Values stay sealed."
    empty_help = "Credentials are made by grants, by first exchanges, and by a marketplace's orders."
    object_pages = (
        *(rotating.Rotate, rotating.Replace, rotating.Reveal, ending.Revoke, ending.ReportLeak),
        *(ending.RetryNow, ending.ForceEnd, ending.ConfirmEnd),
    )
    bulk_actions = (bulk.rotate_all, bulk.revoke_all, bulk.force_all, bulk.confirm_all)
    cards_first = True
    list_display = ("name", "shown_state", "shown_subject", "policy", "created_at", "expires_at", "last_used_at")
    list_select_related = ("policy",)
    list_filter: ClassVar[tuple[Any, ...]] = (
        StateFilter,
        ("policy", AutocompleteSelectFilter),
        StuckFilter,
        LackingFilter,
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
        name = obj.version_name()
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
            *([Fact("Works until", moment(until))] if (until := obj.works_until()) else []),
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
        if obj.is_leaked_and_live():
            return self._of_a_live_leak(request, obj)
        confirm = ending.ConfirmEnd(self)
        if (in_use := still_in_use(obj)) and confirm.allowed(request, obj):
            return [Need(in_use.removesuffix("."), link=confirm.url(obj))]
        return [*self._lacks(request, obj), *self._ends(request, obj)]

    def _lacks(self, request: HttpRequest, obj: Credential) -> list[Need]:
        """Tell what it was made without, while it may be handed out; and where somebody can make it anew, if so."""
        lacked = " and ".join(obj.lacked_names())
        if not lacked or not obj.is_usable():
            return []
        told = f"It has no {lacked}, which its policy got after it was made"
        acts = ((rotating.Replace(self), "Replace its values"), (rotating.Rotate(self), "Rotate it"))
        needs = [
            Need(f"{told}. {do}", link=page.url(obj))
            for page, do in acts
            if page.allowed(request, obj) and not page.refusal(obj)
        ]
        return needs or [Need(f"{told}.")]

    def _ends(self, request: HttpRequest, obj: Credential) -> list[Need]:
        replace, rotate = rotating.Replace(self), rotating.Rotate(self)
        ends = obj.expires_at or obj.retires_at
        if ends and replace.allowed(request, obj) and not replace.refusal(obj):
            return [Need(f"{NO_MORE} Replace them before their end", link=replace.url(obj))]
        if obj.retires_at and rotate.allowed(request, obj) and not rotate.refusal(obj):
            return [Need("It is handed out until it ends, and has no successor. Rotate it", link=rotate.url(obj))]
        return []

    def _of_a_live_leak(self, request: HttpRequest, obj: Credential) -> list[Need]:
        told = still_handed_out(obj)
        if not obj.waits_for_successor():
            for page in (rotating.Rotate(self), rotating.Replace(self)):
                if page.allowed(request, obj) and not page.refusal(obj):
                    return [Need(f"{told} {page.title} as leaked, or revoke it", urgent=True, link=page.url(obj))]
        if ending.Revoke(self).allowed(request, obj):
            return [Need(f"{told} Revoke it to end it now", urgent=True, link=ending.revoke_url(obj))]
        return []

    def needs_operator(self) -> list[Need]:
        return open_points.needs_of_operator()

    def under_way(self) -> list[Need]:
        return open_points.under_way()

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
        return obj.version_name()

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

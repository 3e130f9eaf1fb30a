"""Credentials: what they are and were. Values show nowhere; what is done to them has pages of its own."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.console.base import LargeListAdmin, ReadOnly, as_uuid
from credservice.console.filters import ExactFilter
from credservice.console.labels import label
from credservice.console.links import link_to, list_link, short, subject_link, subject_names
from credservice.console.menu import MAX_COUNTED, Menu, Need, counted
from credservice.credentials.admin import pages
from credservice.credentials.models import STUCK_AFTER, Credential

State = Credential.State
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


class SubjectFilter(ExactFilter):
    title, parameter_name = "subject", "subject"


class StuckFilter(DropdownFilter):
    """What an issuer keeps refusing: see Credential.is_stuck."""

    title, parameter_name = "trouble", "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Stuck")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(stuck()) if self.value() == "yes" else queryset


def stuck() -> Q:
    """Of what is being made or ended, which are the two kinds that an index each has; both are few."""
    under_way = Q(state=State.PENDING) | Q(state=State.RETIRING, retires_at__lte=timezone.now())
    return under_way & Q(attempts__gte=STUCK_AFTER)


def _bounded(condition: Q) -> int:
    return Credential.objects.filter(condition)[:MAX_COUNTED].count()


class LineFilter(ExactFilter):
    title, parameter_name = "line", "line"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        term = (self.value() or "").strip()
        if not term:
            return queryset
        pks = as_uuid(term)
        return queryset.filter(line=term) if pks else queryset.none()


@admin.register(Credential)
class CredentialAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Credentials", 11, "password")
    about = "Every credential that was made: whose it is, its state, and when it ends. Values stay sealed."
    empty_help = "Credentials are made by grants, by first exchanges, and by a marketplace's orders."
    object_pages = (pages.Rotate, pages.Replace, pages.Reveal, pages.Revoke, pages.RetryNow, pages.ForceEnd)
    bulk_actions = (pages.rotate_all, pages.revoke_all, pages.force_all)
    list_display = ("name", "shown_state", "policy", "shown_subject", "created_at", "expires_at")
    list_select_related = ("policy",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("policy", AutocompleteSelectFilter),
        StuckFilter,
        SubjectFilter,
        LineFilter,
    )
    search_help_text = "Our id, a line, a subject or a hint"
    fieldsets = (
        (None, {"fields": ("name", "id", "shown_state", "shown_policy", "shown_subject")}),
        ("Line", {"fields": ("shown_predecessor", "shown_successors", "shown_line")}),
        ("Dates", {"fields": DATES}),
        ("Issuer", {"fields": ("context", "attempts", "next_attempt_at", "failure")}),
    )
    readonly_fields = (
        "name",
        "shown_state",
        "shown_policy",
        "shown_subject",
        "shown_predecessor",
        "shown_successors",
        "shown_line",
        "last_checked",
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Credential | None:
        found: Credential | None = super().get_object(request, object_id, from_field)
        if found is not None:
            found.console_title = f"{self.name(found)} ({found.state})"  # type: ignore[attr-defined]
        return found

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the dates that it does not have, and the troubles that it has not had."""
        hidden = {name for name in UNSAID if not getattr(obj, name, None)}
        sets = super().get_fieldsets(request, obj)
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in hidden]})
            for title, options in sets
        ]

    def _page_links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        links = super()._page_links(request, obj)
        if obj is None or not request.user.has_perm("audit.view_auditevent"):
            return links
        seen = reverse("admin:audit_auditevent_seen", args=[obj.pk])
        return [
            *links,
            {"title": "Who could have seen it", "icon": "group_search", "variant": ActionVariant.DEFAULT, "path": seen},
        ]

    def needs_operator(self) -> list[Need]:
        ending = _bounded(stuck() & Q(state=State.RETIRING))
        making = _bounded(stuck() & Q(state=State.PENDING))
        failed = _bounded(Q(state=State.FAILED, created_at__gte=timezone.now() - timedelta(days=1)))
        why, trouble = "the issuer keeps refusing", {"stuck": "yes"}
        lines = (
            (ending, Need(f"{counted(ending, 'revocation')} stuck: {why}", trouble, urgent=True)),
            (making, Need(f"{counted(making, 'issue')} stuck: {why}", trouble, urgent=True)),
            (
                failed,
                Need(f"{counted(failed, 'credential')} failed to be made since yesterday", {"state__exact": "failed"}),
            ),
        )
        return [need for number, need in lines if number]

    def under_way(self) -> list[Need]:
        making = _bounded(Q(state=State.PENDING))
        ending = _bounded(Q(state=State.RETIRING, retires_at__lte=timezone.now()))
        lines = (
            (making, Need(f"{counted(making, 'credential')} being made", {"state__exact": "pending"})),
            (ending, Need(f"{counted(ending, 'credential')} being ended", {"state__exact": "retiring"})),
        )
        return [need for number, need in lines if number]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists never carry what is sealed."""
        queryset = super().get_queryset(request)
        return queryset.defer("sealed_values", "lookup", "value_digests", "handle")

    def find(self, term: str) -> list[Q]:
        return [Q(subject=term), Q(hint=term), *(q for pk in as_uuid(term) for q in (pk, Q(line=term)))]

    def find_beginning(self, term: str) -> list[Q]:
        """The prefix that keys of a kind share, and what follows it in a hint."""
        return [Q(hint__startswith=term)] if len(term) >= MIN_PREFIX else []

    def prepare_rows(self, rows: list[Any]) -> None:
        names = subject_names(row.subject for row in rows)
        for row in rows:
            row.subject_names = names

    @display(description="Credential")
    def name(self, obj: Credential) -> str:
        return obj.hint or f"{obj.policy} {short(str(obj.pk))}"

    @display(description="Last checked")
    def last_checked(self, obj: Credential) -> str:
        return f"{obj.last_used_at:%Y-%m-%d %H:%M}" if obj.last_used_at else "-"

    @display(description="State")
    def shown_state(self, obj: Credential) -> Any:
        if obj.state in Credential.UNENDED and obj.is_stuck():
            return label("stuck")
        if obj.state in Credential.UNENDED and obj.suspended:
            return label("suspended")
        return label("ending" if obj.is_ending() else obj.state)

    @display(description="Policy")
    def shown_policy(self, obj: Credential) -> Any:
        return link_to(obj.policy)

    @display(description="Subject")
    def shown_subject(self, obj: Credential) -> Any:
        names = obj.subject_names if hasattr(obj, "subject_names") else subject_names([obj.subject])
        return subject_link(obj.subject, names)

    @display(description="Predecessor")
    def shown_predecessor(self, obj: Credential) -> Any:
        return link_to(obj.predecessor) or "none: it is the first of its line"

    @display(description="Successors")
    def shown_successors(self, obj: Credential) -> Any:
        found = [link_to(successor) for successor in obj.successors.order_by("-created_at")[:10]]
        return format_html("{}" * len(found), *found) if found else "none"

    @display(description="Line")
    def shown_line(self, obj: Credential) -> Any:
        return list_link(Credential, "All of this line", line=obj.line)

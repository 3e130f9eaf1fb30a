"""Shows the lines of the audit log. Nobody adds, changes or deletes one: the database refuses it as well."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import display

from credservice.accounts.oidc.admission import CLAIMED_USER
from credservice.adminkit.fact_tables import fact_table
from credservice.adminkit.labels import label
from credservice.adminkit.links import list_link, list_url, may_be_told_of, names_in_changes, thing_link
from credservice.adminkit.menu import Menu, Need
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly
from credservice.adminkit.models import Job
from credservice.adminkit.sentence_tails import facts_are_told, why_of
from credservice.adminkit.sentences import (
    actor_name,
    find_names,
    names_in,
    object_of,
    plain_sentence,
    reason_words,
    sentence,
)
from credservice.audit.models import AuditEvent
from credservice.audit_chain.status import batch_of, chain_state
from credservice.console.admin.jobs import WAITING
from credservice.console.audit import filters
from credservice.console.audit.changelist import TrailChangeList
from credservice.console.audit.export import WITHHELD, export_page
from credservice.console.audit.exposure import find_page, seen_page
from credservice.console.audit.reasons import MIN_WORD, NEWEST, lines_with_reason
from credservice.console.audit.times import TimeFilter
from credservice.console.refused_ids import lines_refused_with
from credservice.core.time_spans import spoken


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Audit", 41, "history")
    about = "Who did what to which object, when, and with what outcome. Append-only, sealed by the minute."
    empty_help = "Every exchange, order, change and sign-in leaves a line here."
    keyset = ("pk",)
    has_trail = False
    in_search = False  # it speaks of all the others' rows; asked where none of them is found
    list_display = ("at_minute", "what", "shown_outcome", "action", "shown_source")
    list_display_links = ("at_minute",)
    list_filter = (
        filters.ActionFilter,
        filters.OutcomeFilter,
        filters.ReasonFilter,
        filters.ActorFilter,
        filters.ObjectTypeFilter,
        filters.ObjectFilter,
        filters.SubjectFilter,
        filters.RequestFilter,
        filters.SourceFilter,
        ("at", TimeFilter),
    )
    list_before_template = "console/audit/chain.html"  # type: ignore[assignment] # Unfold says None
    search_help_text = (
        f"Object id, subject, request id, line number, an id that an exchange was refused with, or part of a reason in "
        f"the newest {NEWEST:,} lines"
    )
    list_fullwidth = True
    fieldsets = (
        (None, {"fields": ("what", "at_exact", "action", "shown_outcome", "shown_reason", "given_reason")}),
        ("Who", {"fields": ("shown_actor", "shown_source", "shown_request")}),
        ("What", {"fields": ("shown_object", "object_id", "shown_subject", "shown_detail")}),
        ("Seal", {"fields": ("shown_batch",)}),
    )
    readonly_fields = (
        *("what", "at_exact", "shown_outcome", "shown_actor", "shown_source", "shown_request", "shown_object"),
        *("shown_subject", "shown_detail", "shown_batch", "claimed_name", "claimed_groups"),
        *("shown_reason", "given_reason"),
    )

    def get_urls(self) -> list[URLPattern]:
        def view(page: Any) -> Any:
            @sensitive_post_parameters()
            def answer(request: HttpRequest, **kwargs: Any) -> Any:
                return page(self, request, **kwargs)

            return self.admin_site.admin_view(answer)

        return [
            path("export/", view(export_page), name="audit_auditevent_export"),
            path("seen/", view(find_page), name="audit_auditevent_find"),
            path("seen/<uuid:credential_id>", view(seen_page), name="audit_auditevent_seen"),
            *super().get_urls(),
        ]

    def needs_operator(self) -> list[Need]:
        state = chain_state()
        needed = []
        if state.behind:
            needed.append(
                Need(
                    "Lines of the trail wait for their seal for over an hour. Does a worker run?",
                    link=list_url(Job, **WAITING),
                    urgent=True,
                )
            )
        if state.refused:
            text = f"The worker refuses to seal the trail. {state.refused}"
            needed.append(Need(text, {"action": "audit.sealing_refused"}, urgent=True))
        if state.broken:
            text = f"The trail was verified and does not hold. {state.broken}"
            needed.append(Need(text, {"action": "audit.verified"}, urgent=True))
        return needed

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return TrailChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        more = {"chain": chain_state(), "may_export": request.user.has_perm("audit.export_auditevent")}
        return super().changelist_view(request, more | (extra_context or {}))

    def find(self, term: str) -> list[Q]:
        """Match a line by its number, an object id, a subject or a request id; a new one also by its reason.

        And a new one of a refused exchange by an id that it was sent with.
        """
        found = [Q(object_id=term), Q(request_id=term)]
        if not term.startswith(CLAIMED_USER) or may_be_told_of("user"):
            found.append(Q(subject=term))
        owners = ["marketplace:", *([CLAIMED_USER] if may_be_told_of("user") else [])]
        found += [Q(subject=f"{owner}{term}") for owner in owners]
        if term.isascii() and term.isdigit():
            found.append(Q(pk=int(term)))
        if len(term) >= MIN_WORD and (lines := lines_with_reason(term)):
            found.append(Q(pk__in=lines))
        found += [Q(pk__in=lines) for lines in lines_refused_with(term).values()]
        return found

    def prepare_rows(self, rows: list[Any]) -> None:
        find_names(rows)

    def next_steps(self, request: HttpRequest, obj: AuditEvent) -> list[Need]:
        admins: list[Any] = list(admin.site._registry.values())
        return [need for site_admin in admins for need in site_admin.next_of_line(request, obj)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the reasons that there are; of who was turned away what an administrator has to know, first."""
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        unsaid = {"shown_reason": not obj.reason, "given_reason": not why_of(obj)}
        fields = [name for name in found[0][1]["fields"] if not unsaid.get(name)]
        found = [(None, {"fields": fields}), *found[1:]]
        if "groups_claim" not in obj.detail or not facts_are_told(obj):
            return found
        return [found[0], ("Said by the provider", {"fields": ("claimed_name", "claimed_groups")}), *found[1:]]

    def object_title(self, obj: AuditEvent) -> str:
        return plain_sentence(obj)

    @display(description="Time (UTC)")
    def at_minute(self, obj: AuditEvent) -> str:
        return format_html('<span class="console-line">{}</span>', f"{obj.at:%Y-%m-%d %H:%M}")

    @display(description="Time (UTC)")
    def at_exact(self, obj: AuditEvent) -> str:
        return f"{obj.at:%Y-%m-%d %H:%M:%S.%f}"

    @display(description="What happened")
    def what(self, obj: AuditEvent) -> Any:
        return format_html('<span class="console-sentence">{}</span>', sentence(obj))

    @display(description="Outcome")
    def shown_outcome(self, obj: AuditEvent) -> Any:
        return label(obj.outcome)

    @display(description="Actor")
    def shown_actor(self, obj: AuditEvent) -> Any:
        name = list_link(AuditEvent, actor_name(obj.actor), actor=obj.actor)
        return format_html('{} <span class="console-mono">{}</span>', name, obj.actor)

    @display(description="Why it was refused or failed")
    def shown_reason(self, obj: AuditEvent) -> str:
        return f"{reason_words(obj.reason)} ({obj.reason}){_clock_of(obj)}"

    @display(description="Reason given")
    def given_reason(self, obj: AuditEvent) -> str:
        return why_of(obj, whole=True)

    @display(description="Source")
    def shown_source(self, obj: AuditEvent) -> Any:
        wrap = "break-all" if ":" in (obj.source or "") else "console-line"  # only IPv6 may be longer than its column
        return format_html('<span class="{} console-mono">{}</span>', wrap, obj.source) if obj.source else "-"

    @display(description="Request id")
    def shown_request(self, obj: AuditEvent) -> Any:
        return list_link(AuditEvent, obj.request_id, request_id=obj.request_id) if obj.request_id else "-"

    @display(description="Object")
    def shown_object(self, obj: AuditEvent) -> Any:
        return object_of(obj)

    @display(description="Whose it is")
    def shown_subject(self, obj: AuditEvent) -> Any:
        if obj.subject.startswith(CLAIMED_USER) and not may_be_told_of("user"):
            return "-"
        return thing_link(obj.subject, names_in(obj))

    @display(description="Detail")
    def shown_detail(self, obj: AuditEvent) -> Any:
        if not facts_are_told(obj):
            return WITHHELD
        changes = obj.detail.get("changes") or obj.detail.get("values") or {}
        return fact_table(obj.detail, names_in_changes(obj.object_type, changes if isinstance(changes, dict) else {}))

    @display(description="Name")
    def claimed_name(self, obj: AuditEvent) -> str:
        return obj.detail.get("name_by_provider") or obj.detail.get("name") or "-"

    @display(description="Groups")
    def claimed_groups(self, obj: AuditEvent) -> str:
        groups, more = obj.detail.get("groups", []), obj.detail.get("more")
        return ", ".join(groups) + (f" and {more} more" if more else "") or "none"

    @display(description="Batch")
    def shown_batch(self, obj: AuditEvent) -> str:
        seal = batch_of(obj)
        if seal is None:
            return "Not sealed yet: the worker does so within minutes."
        return f"Batch {seal.number}, sealed {seal.sealed_at:%Y-%m-%d %H:%M:%S} UTC"


def _clock_of(event: AuditEvent) -> str:
    """Say how far the clock was off of a call that was refused for it, and what was allowed; empty of any other."""
    seconds, tolerance = event.detail.get("clock_difference_seconds"), event.detail.get("tolerance_seconds")
    if not isinstance(seconds, int | float) or event.reason not in ("stale_timestamp", "future_timestamp"):
        return ""
    way = "behind" if seconds < 0 else "ahead of"
    allowed = f" (allowed: {spoken(timedelta(seconds=tolerance))})" if isinstance(tolerance, int) else ""
    return f": its clock was {spoken(timedelta(seconds=abs(seconds)))} {way} ours{allowed}"

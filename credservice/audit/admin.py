"""The trail, to read. Nobody adds, changes or deletes a line: the database refuses it as well."""

from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from credservice.audit.models import AuditEvent
from credservice.console.base import LargeListAdmin, ReadOnly
from credservice.console.filters import ExactFilter
from credservice.console.labels import label
from credservice.console.links import named_link, subject_link
from credservice.console.menu import Menu

# The distinct actions, by jumping from one to the next in an index: a row of the trail is never counted.
_ACTIONS = """
WITH RECURSIVE found AS (
    (SELECT action FROM audit_auditevent ORDER BY action LIMIT 1)
    UNION ALL
    SELECT (SELECT action FROM audit_auditevent WHERE action > found.action ORDER BY action LIMIT 1)
    FROM found WHERE found.action IS NOT NULL
)
SELECT action FROM found WHERE action IS NOT NULL LIMIT 500
"""


# The partners' ids that a refused request named; they may be anything.
CLAIMED = ("end_user", "installation")
MAX_CLAIMED = 24


class ActionFilter(DropdownFilter):
    """Every action that occurs."""

    title = parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(_ACTIONS)
            return [(row[0], row[0]) for row in cursor.fetchall()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class ObjectFilter(ExactFilter):
    title, parameter_name = "object id", "object_id"


class TimeFilter(RangeDateTimeFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "time (UTC)"


class SubjectFilter(ExactFilter):
    title, parameter_name = "subject", "subject"


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Audit", 51, "history")
    about = "Who did what to which object, when, and with what outcome. Append-only."
    empty_help = "Every exchange, order, change and sign-in leaves a line here."
    keyset = ("pk",)
    in_search = False  # it speaks of all the others' rows; asked where none of them is found
    list_display = ("at_minute", "action", "shown_outcome", "reason", "actor", "shown_object", "source")
    list_display_links = ("at_minute",)
    list_filter = (
        ActionFilter,
        ("outcome", ChoicesDropdownFilter),
        ObjectFilter,
        SubjectFilter,
        ("at", TimeFilter),
    )
    search_help_text = "Object id, subject, request id or line number"
    list_fullwidth = True
    fieldsets = (
        (None, {"fields": ("at_second", "action", "shown_outcome", "reason")}),
        ("Who", {"fields": ("actor", "source", "request_id")}),
        ("What", {"fields": ("shown_object", "shown_subject", "detail")}),
    )
    readonly_fields = ("at_second", "shown_outcome", "shown_object", "shown_subject")

    def find(self, term: str) -> list[Q]:
        """Also a bare id of which something is the subject's."""
        found = [Q(object_id=term), Q(subject=term), Q(request_id=term)]
        if term.isascii() and term.isdigit():
            found.append(Q(pk=int(term)))
        return found

    def trail_url(self, obj: AuditEvent) -> str:
        return ""

    @display(description="Time (UTC)")
    def at_minute(self, obj: AuditEvent) -> str:
        return format_html('<span class="console-line">{}</span>', f"{obj.at:%Y-%m-%d %H:%M}")

    @display(description="Time (UTC)")
    def at_second(self, obj: AuditEvent) -> str:
        return f"{obj.at:%Y-%m-%d %H:%M:%S}"

    @display(description="Outcome")
    def shown_outcome(self, obj: AuditEvent) -> Any:
        return label(obj.outcome)

    @display(description="Object")
    def shown_object(self, obj: AuditEvent) -> Any:
        """Of what was refused before a row was found: what it claimed to be for."""
        if obj.object_id:
            return named_link(obj.object_type, obj.object_id)
        claimed = [str(obj.detail[name])[:MAX_CLAIMED] for name in CLAIMED if obj.detail.get(name)]
        return " / ".join(claimed) or obj.object_type

    @display(description="Subject")
    def shown_subject(self, obj: AuditEvent) -> Any:
        return subject_link(obj.subject)

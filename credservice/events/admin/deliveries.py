"""Shows deliveries of events in the console, and sends them again."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html, format_html_join
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit.labels import label
from credservice.adminkit.links import names_of, thing_link
from credservice.adminkit.menu import Menu
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly, by_id
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.events.models import EventDelivery
from credservice.events.services import replay


class Replay(ObjectAction):
    slug, title, icon = "replay", "Send again", "replay"
    permission = "replay"
    variant = ActionVariant.PRIMARY

    def refusal(self, obj: EventDelivery) -> str:
        return "" if obj.endpoint.is_active else "Its endpoint is suspended. Resume that first."

    def consequences(self, obj: EventDelivery) -> list[str]:
        return [f"The same event is sent to {obj.endpoint.url} again, under the same webhook-id."]

    def perform(self, actor: str, obj: EventDelivery, values: Values) -> str:
        replay(delivery=obj, actor=actor)
        return "It is on its way again."


@admin.register(EventDelivery)
class EventDeliveryAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Events", 57, "outgoing_mail")
    about = "Each event on its way to an endpoint: what was tried, and what was answered."
    empty_help = "Events show here once an endpoint takes them."
    object_pages = (Replay,)
    bulk_actions = (Replay.bulk(done="On the way again", consequence="Each is sent again, under its own webhook-id."),)
    list_display = ("shown_type", "shown_state", "endpoint", "last_status", "shown_object", "created_at")
    list_select_related = ("endpoint", "event")
    list_filter = (("state", ChoicesDropdownFilter), ("endpoint", AutocompleteSelectFilter))
    search_help_text = "webhook-id, or our id of a delivery"
    fields = (
        *("shown_type", "shown_state", "endpoint", "shown_object", "shown_subject", "message", "created_at"),
        *("delivered_at", "attempts", "next_attempt_at", "shown_body", "shown_log"),
    )
    readonly_fields = (
        "shown_type",
        "shown_state",
        "shown_object",
        "shown_subject",
        "message",
        "shown_body",
        "shown_log",
    )

    def find(self, term: str) -> list[Q]:
        return [*by_id(term), *(Q(event=q.children[0][1]) for q in by_id(term.removeprefix("evt_")))]  # type: ignore[index]

    def prepare_rows(self, rows: list[Any]) -> None:
        names = names_of(thing for row in rows for thing in (_object_of(row), row.subject))
        for row in rows:
            row.names = names

    @display(description="Type")
    def shown_type(self, obj: EventDelivery) -> str:
        return obj.event.type

    @display(description="State")
    def shown_state(self, obj: EventDelivery) -> Any:
        return label(obj.state)

    @display(description="About")
    def shown_object(self, obj: Any) -> Any:
        return thing_link(_object_of(obj), obj.names)

    @display(description="Whose")
    def shown_subject(self, obj: Any) -> Any:
        return thing_link(obj.subject, obj.names)

    @display(description="webhook-id")
    def message(self, obj: EventDelivery) -> str:
        return obj.event.message_id

    @display(description="Body")
    def shown_body(self, obj: EventDelivery) -> Any:
        return format_html('<code class="console-mono">{}</code>', obj.event.body)

    @display(description="Each attempt")
    def shown_log(self, obj: EventDelivery) -> Any:
        rows = format_html_join(
            "",
            '<tr><td data-label="At">{} UTC</td><td data-label="Status">{}</td>'
            '<td data-label="Took">{} ms</td><td data-label="Answer">{}</td></tr>',
            (
                (f"{line.at:%Y-%m-%d %H:%M:%S}", line.status or "-", line.milliseconds, line.problem or line.answer)
                for line in obj.log.all()
            ),
        )
        return format_html('<table class="console-table">{}</table>', rows) if rows else "None yet."


def _object_of(row: EventDelivery) -> str:
    return f"{row.event.object_type}:{row.event.object_id}"

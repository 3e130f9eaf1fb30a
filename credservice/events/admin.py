"""Event endpoints and deliveries in the console."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminRadioSelectWidget

from credservice.console.actor import actor_of
from credservice.console.base import ConsoleAdmin, LargeListAdmin, ReadOnly, as_uuid
from credservice.console.bulk import BulkAction
from credservice.console.filters import StateFilter
from credservice.console.labels import active_state, label
from credservice.console.links import list_link, named_link, subject_link
from credservice.console.menu import Menu, Need, counted
from credservice.console.pages import ObjectPage, Shown
from credservice.console.switch import Resume, Suspend
from credservice.events.emit import forget_wanted
from credservice.events.models import EventDelivery, EventEndpoint
from credservice.events.services import new_secret_set, replay, replay_failed, send_ping
from credservice.events.types import SUBSCRIBABLE, TYPES
from credservice.keys.admin import secrets_table
from credservice.keys.services import generate_secret

LONG = timedelta(hours=1)  # for which an endpoint may fail before a person should look
SINCE = (
    ("3600", "the last hour"),
    ("86400", "the last day"),
    ("259200", "the last 3 days"),
    ("2592000", "the last 30 days"),
)


class SuspendEndpoint(Suspend):
    consequence = "From now on nothing is sent to it: events are lost to it meanwhile, and what waits fails."

    def switch(self, obj: EventEndpoint, *, actor: str, why: str) -> None:
        super().switch(obj, actor=actor, why=why)
        forget_wanted()


class ResumeEndpoint(Resume):
    consequence = "Events are sent to it again. What failed can then be sent again as well."

    def switch(self, obj: EventEndpoint, *, actor: str, why: str) -> None:
        super().switch(obj, actor=actor, why=why)
        EventEndpoint.objects.filter(pk=obj.pk).update(ended_by="", **EventEndpoint.HEALTHY)
        forget_wanted()


class Ping(ObjectPage):
    slug, title, icon, submit = "test", "Send a test event", "send", "Send"
    permission = "events.replay_eventdelivery"

    def refusal(self, obj: EventEndpoint) -> str:
        return "" if obj.is_active else "This endpoint is suspended. Resume it first."

    def consequences(self, obj: EventEndpoint) -> list[str]:
        return [f"An event of the type ping is sent to {obj.url}. Its delivery shows in the endpoint's log."]

    def perform(self, request: HttpRequest, obj: EventEndpoint, form: forms.Form) -> str:
        return f"{send_ping(endpoint=obj, actor=actor_of(request))} is on its way."


class SinceForm(forms.Form):
    since = forms.ChoiceField(
        label="Events of", choices=SINCE, initial=SINCE[1][0], widget=UnfoldAdminRadioSelectWidget
    )


class ReplayFailed(ObjectPage):
    slug, title, icon = "replay-failed", "Send undelivered events again", "replay"
    permission = "events.replay_eventdelivery"
    form_class = SinceForm

    def refusal(self, obj: EventEndpoint) -> str:
        return "" if obj.is_active else "This endpoint is suspended. Resume it first."

    def consequences(self, obj: EventEndpoint) -> list[str]:
        return ["Every event of this time that it has not taken is sent again now, under its own webhook-id."]

    def perform(self, request: HttpRequest, obj: EventEndpoint, form: forms.Form) -> str:
        since = timezone.now() - timedelta(seconds=int(form.cleaned_data["since"]))
        count = replay_failed(endpoint=obj, since=since, actor=actor_of(request))
        return f"{counted(count, 'event')} on the way again."


class Replay(ObjectPage):
    slug, title, icon = "replay", "Send again", "replay"
    permission = "replay"
    variant = ActionVariant.PRIMARY

    def refusal(self, obj: EventDelivery) -> str:
        return "" if obj.endpoint.is_active else "Its endpoint is suspended. Resume that first."

    def consequences(self, obj: EventDelivery) -> list[str]:
        return [f"The same event is sent to {obj.endpoint.url} again, under the same webhook-id."]

    def perform(self, request: HttpRequest, obj: EventDelivery, form: forms.Form) -> str:
        replay(delivery=obj, actor=actor_of(request))
        return "It is on its way again."


def _replay(actor: str, obj: EventDelivery, values: Mapping[str, Any]) -> None:
    replay(delivery=obj, actor=actor)


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    types = forms.MultipleChoiceField(
        label="Types of events",
        required=False,
        # docs/events.md has the same sentences, with their code marked.
        choices=[(name, f"{name}: {TYPES[name].replace('`', '')}") for name in SUBSCRIBABLE],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="None ticked: all of them, also those of later versions.",
    )


@admin.register(EventEndpoint)
class EventEndpointAdmin(ConsoleAdmin):
    menu = Menu("Events", 56, "webhook")
    about = "Your own URLs that are told what happens, by signed webhooks."
    empty_help = "Add one with the URL of your receiver. docs/events.md shows how it verifies what it is sent."
    needs_proof = True
    form = EndpointForm
    object_pages = (Ping, ReplayFailed, SuspendEndpoint, ResumeEndpoint)
    bulk_actions = (SuspendEndpoint.bulk(), ResumeEndpoint.bulk())
    fixed_fields = ("name",)
    readonly_fields = ("shown_state", "signing_secrets", "its_deliveries", "created_at")
    list_display = ("name", "shown_state", "url", "shown_types", "description", "created_at")
    list_filter = (StateFilter,)
    search_fields = ("name",)
    search_help_text = "Name"
    add_fieldsets = ((None, {"fields": ("name", "url", "description", "types")}),)
    fields = ("name", "shown_state", "url", "description", "types", "signing_secrets", "its_deliveries", "created_at")

    def needs_operator(self) -> list[Need]:
        failing = EventEndpoint.objects.filter(is_active=True, failing_since__lte=timezone.now() - LONG).count()
        ended = EventEndpoint.objects.filter(is_active=False).exclude(ended_by="").count()
        return [
            Need(f"{counted(number, 'event endpoint')} {what}", filters, urgent=True)
            for number, what, filters in (
                (failing, "failing for more than an hour", {"is_active": "yes"}),
                (ended, "that said to be gone", {"is_active": "no"}),
            )
            if number
        ]

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """The text of its first secret is kept on the row object until it has been shown."""
        assert isinstance(obj, EventEndpoint)
        obj.paused_until = None  # what was wrong may be mended
        if not change:
            obj.secrets = new_secret_set(obj.name)
        super().save_model(request, obj, form, change)
        if not change:
            _, text = generate_secret(secret_set=obj.secrets, actor=actor_of(request))
            obj.text = text  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        sentence = "Give it to your receiver now; it verifies events with it. Then send it a test event."
        shown = Shown("New event endpoint", sentence, ((f"Signing secret of {obj}", obj.text),))
        context = {"opts": self.opts, "title": shown.title, "shown": shown, "home": self.list_url()}
        context["next"] = Ping(self).link(request, obj)
        return TemplateResponse(request, "console/shown.html", self.admin_site.each_context(request) | context)

    @display(description="State")
    def shown_state(self, obj: EventEndpoint) -> Any:
        if not obj.is_active or obj.failing_since is None:
            return active_state(obj) if not obj.ended_by else format_html("{} {}", label("suspended"), obj.ended_by)
        since = f"since {obj.failing_since:%Y-%m-%d %H:%M} UTC"
        if obj.paused_until and obj.paused_until > timezone.now():
            since += f", tried again at {obj.paused_until:%H:%M:%S}"
        return format_html("{} {}", label("failed"), since)

    @display(description="Takes")
    def shown_types(self, obj: EventEndpoint) -> str:
        return ", ".join(obj.types) or "everything"

    @display(description="Signing secrets")
    def signing_secrets(self, obj: EventEndpoint) -> Any:
        return secrets_table(obj.secrets) if obj.secrets_id else "Made and shown when it is added."

    @display(description="Deliveries")
    def its_deliveries(self, obj: EventEndpoint) -> Any:
        return list_link(EventDelivery, "Its deliveries", endpoint__id__exact=obj.pk) if obj.created_at else ""


@admin.register(EventDelivery)
class EventDeliveryAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Events", 57, "outgoing_mail")
    about = "Each event on its way to an endpoint: what was tried, and what was answered."
    empty_help = "Events show here once an endpoint takes them."
    object_pages = (Replay,)
    bulk_actions = (
        BulkAction(
            "replay",
            "Send again",
            _replay,
            consequence="Each is sent again, under its own webhook-id.",
            done="On the way again",
            permission="replay",
        ),
    )
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
        return [*as_uuid(term), *(Q(event=q.children[0][1]) for q in as_uuid(term.removeprefix("evt_")))]  # type: ignore[index]

    @display(description="Type")
    def shown_type(self, obj: EventDelivery) -> str:
        return obj.event.type

    @display(description="State")
    def shown_state(self, obj: EventDelivery) -> Any:
        return label(obj.state)

    @display(description="About")
    def shown_object(self, obj: EventDelivery) -> Any:
        return named_link(obj.event.object_type, obj.event.object_id)

    @display(description="Whose")
    def shown_subject(self, obj: EventDelivery) -> Any:
        return subject_link(obj.event.subject)

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
            "<tr><td>{} UTC</td><td>{}</td><td>{} ms</td><td>{}</td></tr>",
            (
                (f"{line.at:%Y-%m-%d %H:%M:%S}", line.status or "-", line.milliseconds, line.problem or line.answer)
                for line in obj.log.all()
            ),
        )
        return format_html('<table class="console-table">{}</table>', rows) if rows else "None yet."

"""Shows and changes event endpoints in the console."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
)

from credservice.adminkit.cards import Card, cards
from credservice.adminkit.filters import StateFilter
from credservice.adminkit.labels import active_state, label
from credservice.adminkit.links import list_link, may_view, page_of, see_document
from credservice.adminkit.menu import Menu, Need, counted
from credservice.adminkit.object_actions import ObjectAction, Shown, Values
from credservice.adminkit.object_header import Fact
from credservice.adminkit.shown_once import ShownOnceAdmin
from credservice.adminkit.state_pages import Resume, Suspend, Switch
from credservice.audit.names import actor_of
from credservice.events.admin.types_page import types_page
from credservice.events.models import EventDelivery, EventEndpoint
from credservice.events.services import forget_end, new_secret_set, replay_failed, send_test
from credservice.events.types import PING, SUBSCRIBABLE, TYPES
from credservice.keys.admin import NewSecret, WithSecrets, secrets_table, trail_with_secrets
from credservice.keys.models import SigningSecretSet
from credservice.keys.services import generate_secret

# For so long, or so often in a row, an endpoint may fail before a person should look.
LONG, OFTEN = timedelta(hours=1), 5
MAX_SHOWN = 10  # on the overview
SINCE = (
    ("3600", "the last hour"),
    ("86400", "the last day"),
    ("259200", "the last 3 days"),
    ("2592000", "the last 30 days"),
)


class SwitchEndpoint(Switch):
    def switch(self, obj: EventEndpoint, *, actor: str, why: str) -> None:
        super().switch(obj, actor=actor, why=why)
        forget_end(obj)


class SuspendEndpoint(SwitchEndpoint, Suspend):
    consequence = "From now on nothing is sent to it: events are lost to it meanwhile, and what waits fails."


class ResumeEndpoint(SwitchEndpoint, Resume):
    consequence = "Events are sent to it again. What failed can then be sent again as well."


class TestForm(forms.Form):
    type = forms.ChoiceField(
        label="Type",
        choices=[(name, name) for name in (PING, *SUBSCRIBABLE)],
        initial=PING,
        help_text='Of another type than ping, the example is sent that "Types of events" shows. It says so: '
        '"example": true.',
        widget=UnfoldAdminSelectWidget(),
    )


class Ping(ObjectAction):
    slug, title, icon, submit = "test", "Send a test event", "send", "Send"
    permission = "events.replay_eventdelivery"

    def refusal(self, obj: EventEndpoint) -> str:
        return "" if obj.is_active else "This endpoint is suspended. Resume it first."

    def consequences(self, obj: EventEndpoint) -> list[str]:
        return [f"It is sent to {obj.url}, whatever types that takes. Its delivery shows in the endpoint's log."]

    def make_form(self, request: HttpRequest, obj: EventEndpoint, data: Any = None) -> forms.Form:
        return TestForm(data, initial={"type": request.GET.get("type", PING)})

    def perform(self, actor: str, obj: EventEndpoint, values: Values) -> str:
        return f"{send_test(endpoint=obj, actor=actor, type_=values['type'])} is on its way."


class SinceForm(forms.Form):
    since = forms.ChoiceField(
        label="Events of", choices=SINCE, initial=SINCE[1][0], widget=UnfoldAdminRadioSelectWidget
    )


class ReplayFailed(ObjectAction):
    slug, title, icon = "replay-failed", "Send undelivered events again", "replay"
    permission = "events.replay_eventdelivery"
    form_class = SinceForm
    consequence = "Every event of this time that it has not taken is sent again now, under its own webhook-id."

    def refusal(self, obj: EventEndpoint) -> str:
        return "" if obj.is_active else "This endpoint is suspended. Resume it first."

    def perform(self, actor: str, obj: EventEndpoint, values: Values) -> str:
        since = timezone.now() - timedelta(seconds=int(values["since"]))
        count = replay_failed(endpoint=obj, since=since, actor=actor)
        return f"{counted(count, 'event')} on the way again."


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    types = forms.MultipleChoiceField(
        label="Types of events",
        required=False,
        # docs/events.md has the same sentences, with their code marked.
        choices=[(name, f"{name}: {TYPES[name].replace('`', '')}") for name in SUBSCRIBABLE],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="None ticked: all of them, also those of later versions.",
    )


def _why_failing(endpoint: EventEndpoint) -> str:
    """Say what came of the newest attempt of what waits first; empty where nothing waits."""
    waiting = EventDelivery.objects.filter(endpoint=endpoint, state=EventDelivery.State.PENDING, attempts__gt=0)
    first = waiting.order_by("priority", "next_attempt_at").first()
    attempt = first.log.first() if first is not None else None
    return (attempt.problem or f"it answers {attempt.status}") if attempt is not None else ""


def _failing(endpoint: EventEndpoint) -> Need:
    why = f": {why}" if (why := _why_failing(endpoint)) else ""
    since = f"{endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
    return Need(f"The event endpoint {endpoint} has failed since {since}{why}", link=page_of(endpoint), urgent=True)


@admin.register(EventEndpoint)
class EventEndpointAdmin(WithSecrets, ShownOnceAdmin):
    menu = Menu("Events", 56, "webhook")
    about = "Your own URLs that are told what happens, by signed webhooks."
    empty_help = see_document(
        "Add one with the URL of your receiver.", "events/#verify", "How it verifies what it gets"
    )
    needs_proof = True
    form = EndpointForm
    object_pages = (Ping, ReplayFailed, SuspendEndpoint, ResumeEndpoint)
    bulk_actions = (SuspendEndpoint.bulk(), ResumeEndpoint.bulk())
    fixed_fields = ("name",)
    readonly_fields = ("shown_state", "signing_secrets", "its_deliveries", "created_at")
    list_display = ("name", "shown_state", "url", "shown_types", "description", "created_at")
    list_filter = (StateFilter,)
    list_before_template = "events/endpoints_top.html"  # type: ignore[assignment] # Unfold says None
    search_fields = ("name",)
    search_help_text = "Name"
    add_fieldsets = ((None, {"fields": ("name", "url", "description", "types")}),)
    fields = ("name", "shown_state", "url", "description", "types", "signing_secrets", "its_deliveries", "created_at")

    def facts(self, request: HttpRequest, obj: EventEndpoint) -> list[Fact]:
        failing = obj.is_active and obj.failing_since is not None and may_view(request, EventDelivery)
        why = _why_failing(obj) if failing else ""
        return [Fact("Why it fails", why)] if why else []

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(partial(types_page, self))
        return [path("types/", view, name="events_eventendpoint_types"), *super().get_urls()]

    def page_links(self, request: HttpRequest, obj: EventEndpoint) -> list[dict[str, Any]]:
        new_secret = NewSecret(self.admin_site._registry[SigningSecretSet]).link(request, obj.secrets)
        links = super().page_links(request, obj)
        return [*links, new_secret | {"variant": ActionVariant.DEFAULT}] if new_secret else links

    def needs_operator(self) -> list[Need]:
        long = Q(failing_since__lte=timezone.now() - LONG) | Q(failures__gte=OFTEN)
        failing = EventEndpoint.objects.filter(long, is_active=True, failing_since__isnull=False)
        ended = EventEndpoint.objects.filter(is_active=False).exclude(ended_by="")
        return [
            *(_failing(endpoint) for endpoint in failing[:MAX_SHOWN]),
            *(
                Need(f"The event endpoint {endpoint} said to be gone", link=page_of(endpoint), urgent=True)
                for endpoint in ended[:MAX_SHOWN]
            ),
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

    def shown_once(self, obj: Any) -> Shown:
        sentence = "Give it to your receiver now; it verifies events with it. Then send it a test event."
        return Shown("New event endpoint", sentence, ((f"Signing secret of {obj}", obj.text),))

    def after_shown(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        return {"next": Ping(self).link(request, obj)}

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
        return secrets_table(obj.secrets, obj) if obj.secrets_id else "Made and shown when it is added."

    @display(description="Deliveries")
    def its_deliveries(self, obj: EventEndpoint) -> Any:
        return list_link(EventDelivery, "Its deliveries", endpoint__id__exact=obj.pk) if obj.created_at else ""


@cards(EventEndpoint)
def of_an_endpoint(obj: EventEndpoint) -> Iterator[Card]:
    yield trail_with_secrets(obj)

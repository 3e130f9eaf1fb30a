"""Shows callbacks: whether the marketplace has them, to send again, and to close with a reason."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to
from credservice.adminkit.menu import MAX_COUNTED, Menu, Need, counted
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly, by_id
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.state_pages import WhyForm
from provisioning.manifold.connector.outbox import close, resend
from provisioning.models import Callback

State = Callback.State


class Resend(ObjectAction):
    slug, title, icon = "resend", "Send again", "replay"
    permission = "settle"
    consequence = "The same bytes are sent once more, now, and again while the connector does not take them."

    def refusal(self, obj: Callback) -> str:
        return "" if obj.sealed_body is not None else "Nothing is left of it to send, or there is nothing to tell yet."

    def perform(self, actor: str, obj: Callback, values: Values) -> str:
        resend(callback=obj, actor=actor)
        return "It is sent once more."


class Close(ObjectAction):
    slug, title, icon = "close", "Close callback", "cancel"
    permission = "settle"
    variant = ActionVariant.DANGER
    form_class = WhyForm
    consequence = "Nothing is sent any more, and the outcome that it would have told is erased from it."

    def refusal(self, obj: Callback) -> str:
        return "" if obj.state in (State.WAITING, *Callback.ALARMING) else "This callback has ended already."

    def perform(self, actor: str, obj: Callback, values: Values) -> str:
        close(callback=obj, actor=actor, reason=values["why"])
        return "The callback is closed."


@admin.register(Callback)
class CallbackAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Provisioning", 39, "outgoing_mail")
    about = "Where marketplaces await the outcome of slow work, and whether they have it."
    empty_help = "They come with a marketplace's orders of a product whose work is slow."
    keyset = ("requested_at", "pk")
    object_pages = (Resend, Close)
    list_display = ("partner_id", "shown_state", "operation", "reason", "requested_at")
    list_select_related = ("operation__resource", "operation__resource_credential")
    list_filter = (("state", ChoicesDropdownFilter),)
    search_help_text = "The marketplace's callback id, or our id"
    fieldsets = (
        (None, {"fields": ("partner_id", "shown_state", "marketplace", "shown_operation", "url")}),
        ("Attempts", {"fields": ("attempts", "next_attempt_at", "reason")}),
        ("Dates", {"fields": ("requested_at", "ended_at")}),
    )
    readonly_fields = ("shown_state", "shown_operation")

    def find(self, term: str) -> list[Q]:
        return [Q(partner_id=term), *by_id(term)]

    def needs_operator(self) -> list[Need]:
        sentences = {
            State.CONFLICT: "of which the marketplace has another outcome",
            State.REFUSED: "that the marketplace does not take",
        }
        counts = {state: Callback.objects.filter(state=state)[:MAX_COUNTED].count() for state in sentences}
        return [
            Need(f"{counted(number, 'callback')} {sentences[state]}", {"state__exact": state}, urgent=True)
            for state, number in counts.items()
            if number
        ]

    @display(description="State")
    def shown_state(self, obj: Callback) -> Any:
        return label(obj.state)

    @display(description="Operation")
    def shown_operation(self, obj: Callback) -> Any:
        return link_to(obj.operation)

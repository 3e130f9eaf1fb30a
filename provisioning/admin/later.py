"""Slow work and its callbacks: to see how far they are, to send again, and to end with a reason."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.console.actor import actor_of
from credservice.console.base import LargeListAdmin, ReadOnly, as_uuid
from credservice.console.labels import label
from credservice.console.links import link_to
from credservice.console.menu import MAX_COUNTED, Menu, Need, counted
from credservice.console.pages import ObjectPage
from credservice.console.switch import WhyForm
from provisioning.connector.outbox import close, resend
from provisioning.models import Callback, Operation
from provisioning.services.operations import STUCK_AFTER, give_up

State = Callback.State


class GiveUp(ObjectPage):
    slug, title, icon = "give-up", "Give up", "cancel"
    permission = "settle"
    variant = ActionVariant.DANGER
    form_class = WhyForm

    def refusal(self, obj: Operation) -> str:
        return "" if obj.is_live() else "This operation has ended already."

    def consequences(self, obj: Operation) -> list[str]:
        return [
            "The marketplace is told that it failed. What your endpoint or the issuer has begun, it may still do.",
            "A resource that was being provisioned is gone with it, and its id is not used again."
            if obj.verb == Operation.Verb.PROVISION and not obj.resource_credential_id
            else "The marketplace may ask for it again.",
        ]

    def perform(self, request: HttpRequest, obj: Operation, form: forms.Form) -> str:
        give_up(operation=obj, actor=actor_of(request), reason=form.cleaned_data["why"])
        return "The operation is given up, and the marketplace is told."


class Resend(ObjectPage):
    slug, title, icon = "resend", "Send again", "replay"
    permission = "settle"

    def refusal(self, obj: Callback) -> str:
        return "" if obj.sealed_body is not None else "Nothing is left of it to send, or there is nothing to tell yet."

    def consequences(self, obj: Callback) -> list[str]:
        return ["The same bytes are sent once more, now, and again while the connector does not take them."]

    def perform(self, request: HttpRequest, obj: Callback, form: forms.Form) -> str:
        resend(callback=obj, actor=actor_of(request))
        return "It is sent once more."


class Close(ObjectPage):
    slug, title, icon = "close", "Close callback", "cancel"
    permission = "settle"
    variant = ActionVariant.DANGER
    form_class = WhyForm

    def refusal(self, obj: Callback) -> str:
        return "" if obj.state in (State.WAITING, *Callback.ALARMING) else "This callback has ended already."

    def consequences(self, obj: Callback) -> list[str]:
        return ["Nothing is sent any more, and the outcome that it would have told is erased from it."]

    def perform(self, request: HttpRequest, obj: Callback, form: forms.Form) -> str:
        close(callback=obj, actor=actor_of(request), reason=form.cleaned_data["why"])
        return "The callback is closed."


@admin.register(Operation)
class OperationAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Provisioning", 38, "pending_actions")
    about = "Orders that take longer than a request: what the worker does, and what came of it."
    empty_help = "They come with a marketplace's orders of a product whose work is slow."
    object_pages = (GiveUp,)
    list_display = ("__str__", "shown_state", "resource", "failure", "created_at")
    list_select_related = ("resource", "resource_credential")
    list_filter = (("state", ChoicesDropdownFilter), ("verb", ChoicesDropdownFilter))
    search_help_text = "The marketplace's resource id, or our id"
    fieldsets = (
        (None, {"fields": ("verb", "shown_state", "message", "shown_resource", "shown_credential")}),
        ("To change to", {"fields": ("plan", "features")}),
        ("Attempts", {"fields": ("attempts", "next_attempt_at", "failure")}),
        ("Dates", {"fields": ("created_at", "finished_at")}),
    )
    readonly_fields = ("shown_state", "shown_resource", "shown_credential")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only a change of the plan changes to something."""
        changes = obj is not None and obj.verb == Operation.Verb.CHANGE_PLAN
        found = super().get_fieldsets(request, obj)
        return [entry for entry in found if changes or entry[0] != "To change to"]

    def find(self, term: str) -> list[Q]:
        return [Q(resource__partner_id=term), *as_uuid(term)]

    def needs_operator(self) -> list[Need]:
        stuck = Operation.objects.filter(state__in=Operation.LIVE, attempts__gte=STUCK_AFTER)[:MAX_COUNTED].count()
        sentence = f"{counted(stuck, 'operation')} stuck: attempts come to nothing"
        return [Need(sentence, {"state__exact": Operation.State.RUNNING}, urgent=True)] if stuck else []

    @display(description="State")
    def shown_state(self, obj: Operation) -> Any:
        return label("stuck" if obj.is_live() and obj.attempts >= STUCK_AFTER else obj.state)

    @display(description="Resource")
    def shown_resource(self, obj: Operation) -> Any:
        return link_to(obj.resource)

    @display(description="Credential")
    def shown_credential(self, obj: Operation) -> Any:
        return link_to(obj.resource_credential) or "-"


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
        return [Q(partner_id=term), *as_uuid(term)]

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

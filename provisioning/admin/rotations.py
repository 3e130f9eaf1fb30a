"""Rotations that a marketplace was asked for: to see how far they are, to ask again, and to close."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.console.actor import actor_of
from credservice.console.base import LargeListAdmin, ReadOnly, as_uuid
from credservice.console.labels import label
from credservice.console.links import link_to
from credservice.console.menu import MAX_COUNTED, RARE, Menu, Need, counted
from credservice.console.pages import ObjectPage
from credservice.console.switch import WhyForm
from credservice.console.widgets import ReasonField
from provisioning.connector.rotations import OVERDUE_AFTER, ask_again, ask_rotation, close
from provisioning.models import CredentialRotation, ResourceCredential

State = CredentialRotation.State
PERMISSION = "provisioning.ask_credentialrotation"


class AskForm(forms.Form):
    why = ReasonField(
        max_length=256, help_text="Kept in the trail, and sent along: the marketplace's user may read it."
    )


class AskRotation(ObjectPage):
    """Of a resource credential."""

    slug, title, icon = "ask-rotation", "Ask for rotation", "autorenew"
    permission = PERMISSION
    form_class = AskForm

    def refusal(self, obj: ResourceCredential) -> str:
        if obj.deprovisioned_at is not None:
            return "This credential is gone already."
        live = obj.rotations.filter(state__in=CredentialRotation.LIVE).exists()
        return "The marketplace has been asked for this rotation already." if live else ""

    def consequences(self, obj: ResourceCredential) -> list[str]:
        return [
            f"{obj.marketplace} is asked to replace this credential: it makes another one for the resource, gives it "
            "to its customer, then it deletes this one. Until then this one stays good.",
            "The call is alpha in the marketplace's document: it may be refused.",
        ]

    def perform(self, request: HttpRequest, obj: ResourceCredential, form: forms.Form) -> str:
        ask_rotation(resource_credential=obj, actor=actor_of(request), reason=form.cleaned_data["why"])
        return f"{obj.marketplace} is asked for it."


class AskAgain(ObjectPage):
    slug, title, icon = "ask-again", "Ask again", "replay"
    permission = PERMISSION

    def refusal(self, obj: CredentialRotation) -> str:
        return "" if obj.state in (State.REFUSED, State.ASKING) else "This rotation needs no other try."

    def perform(self, request: HttpRequest, obj: CredentialRotation, form: forms.Form) -> str:
        ask_again(rotation=obj, actor=actor_of(request))
        return "It is sent once more, under the same id."


class Close(ObjectPage):
    slug, title, icon = "close", "Close rotation", "cancel"
    permission = PERMISSION
    variant = ActionVariant.DANGER
    form_class = WhyForm

    def refusal(self, obj: CredentialRotation) -> str:
        return "" if obj.state in (*CredentialRotation.LIVE, State.REFUSED) else "This rotation has ended already."

    def consequences(self, obj: CredentialRotation) -> list[str]:
        return ["It is waited for no longer. The marketplace is not told: what it began, it may still do."]

    def perform(self, request: HttpRequest, obj: CredentialRotation, form: forms.Form) -> str:
        close(rotation=obj, actor=actor_of(request), reason=form.cleaned_data["why"])
        return "The rotation is closed."


@admin.register(CredentialRotation)
class CredentialRotationAdmin(ReadOnly, LargeListAdmin):
    menu = Menu(RARE, 83, "autorenew")
    about = "Credentials that a marketplace was asked to replace, by a policy's schedule or an operator."
    empty_help = "Ask for one on the page of a resource credential."
    object_pages = (AskAgain, Close)
    list_display = ("partner_id", "shown_state", "resource_credential", "reason", "attempts", "created_at")
    list_select_related = ("resource_credential",)
    list_filter = (("state", ChoicesDropdownFilter),)
    search_help_text = "The rotation's id, or our id"
    fieldsets = (
        (None, {"fields": ("partner_id", "shown_state", "shown_credential", "reason")}),
        ("Attempts", {"fields": ("attempts", "next_attempt_at", "failure")}),
        ("Dates", {"fields": ("created_at", "acknowledged_at", "ended_at")}),
    )
    readonly_fields = ("shown_state", "shown_credential")

    def find(self, term: str) -> list[Q]:
        return [Q(partner_id=term), *as_uuid(term)]

    def needs_operator(self) -> list[Need]:
        refused = CredentialRotation.objects.filter(state=State.REFUSED)[:MAX_COUNTED].count()
        old = CredentialRotation.objects.filter(
            state__in=CredentialRotation.LIVE, created_at__lte=timezone.now() - OVERDUE_AFTER
        )[:MAX_COUNTED].count()
        lines = (
            (refused, "refused by a marketplace", State.REFUSED),
            (old, "asked for more than a day ago", State.ACKNOWLEDGED),
        )
        return [
            Need(f"{counted(number, 'rotation')} {words}", {"state__exact": state})
            for number, words, state in lines
            if number
        ]

    @display(description="State")
    def shown_state(self, obj: CredentialRotation) -> Any:
        return label(obj.state)

    @display(description="Credential")
    def shown_credential(self, obj: CredentialRotation) -> Any:
        return link_to(obj.resource_credential)

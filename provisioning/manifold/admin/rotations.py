"""Shows rotations that a marketplace was asked for: how far they are, to ask again, and to close."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.utils import timezone
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit.filters import StatesFilter
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to
from credservice.adminkit.menu import MAX_COUNTED, RARE, Menu, Need, counted
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly, by_id
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.state_pages import WhyForm
from credservice.adminkit.widgets import ReasonField
from provisioning.manifold import PROTOCOL
from provisioning.manifold.connector.rotations import OVERDUE_AFTER, ask_again, ask_rotation, close
from provisioning.models import CredentialRotation, ResourceCredential

State = CredentialRotation.State
PERMISSION = "provisioning.ask_credentialrotation"


class AskForm(forms.Form):
    why = ReasonField(
        max_length=256, help_text="Kept in the trail, and sent along: the marketplace's user may read it."
    )


class AskRotation(ObjectAction):
    slug, title, icon = "ask-rotation", "Ask for rotation", "autorenew"
    permission = PERMISSION
    form_class = AskForm

    def refusal(self, obj: ResourceCredential) -> str:
        if obj.marketplace.protocol_name != PROTOCOL:
            return "This marketplace's protocol cannot be asked for it: rotate the credential itself."
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

    def perform(self, actor: str, obj: ResourceCredential, values: Values) -> str:
        ask_rotation(resource_credential=obj, actor=actor, reason=values["why"])
        return f"{obj.marketplace} is asked for it."


class AskAgain(ObjectAction):
    slug, title, icon = "ask-again", "Ask again", "replay"
    permission = PERMISSION

    def refusal(self, obj: CredentialRotation) -> str:
        return "" if obj.state in (State.REFUSED, State.ASKING) else "This rotation needs no other try."

    def perform(self, actor: str, obj: CredentialRotation, values: Values) -> str:
        ask_again(rotation=obj, actor=actor)
        return "It is sent once more, under the same id."


class Close(ObjectAction):
    slug, title, icon = "close", "Close rotation", "cancel"
    permission = PERMISSION
    variant = ActionVariant.DANGER
    form_class = WhyForm
    consequence = "It is waited for no longer. The marketplace is not told: what it began, it may still do."

    def refusal(self, obj: CredentialRotation) -> str:
        return "" if obj.state in (*CredentialRotation.LIVE, State.REFUSED) else "This rotation has ended already."

    def perform(self, actor: str, obj: CredentialRotation, values: Values) -> str:
        close(rotation=obj, actor=actor, reason=values["why"])
        return "The rotation is closed."


class StateFilter(StatesFilter):
    groups: ClassVar = {"under way": Q(state__in=CredentialRotation.LIVE)}


@admin.register(CredentialRotation)
class CredentialRotationAdmin(ReadOnly, LargeListAdmin):
    menu = Menu(RARE, 83, "autorenew")
    about = "Credentials that a marketplace was asked to replace, by a policy's schedule or an operator."
    empty_help = "Ask for one on the page of a resource credential."
    object_pages = (AskAgain, Close)
    list_display = ("partner_id", "shown_state", "resource_credential", "reason", "attempts", "created_at")
    list_select_related = ("resource_credential",)
    list_filter = (StateFilter,)
    search_help_text = "The rotation's id, or our id"
    fieldsets = (
        (None, {"fields": ("partner_id", "shown_state", "shown_credential", "reason")}),
        ("Attempts", {"fields": ("attempts", "next_attempt_at", "failure")}),
        ("Dates", {"fields": ("created_at", "acknowledged_at", "ended_at")}),
    )
    readonly_fields = ("shown_state", "shown_credential")

    def find(self, term: str) -> list[Q]:
        return [Q(partner_id=term), *by_id(term)]

    def needs_operator(self) -> list[Need]:
        refused = CredentialRotation.objects.filter(state=State.REFUSED)[:MAX_COUNTED].count()
        old = CredentialRotation.objects.filter(
            state__in=CredentialRotation.LIVE, created_at__lte=timezone.now() - OVERDUE_AFTER
        )[:MAX_COUNTED].count()
        lines = (
            (refused, "refused by a marketplace", State.REFUSED),
            (old, "asked for more than a day ago", "under-way"),
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

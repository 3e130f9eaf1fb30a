"""Signing keys: what our own tokens are signed with. Their private halves are nowhere to be seen, revealed or not."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget

from credservice.console.actor import actor_of
from credservice.console.base import ConsoleAdmin
from credservice.console.bulk import BulkAction
from credservice.console.labels import label
from credservice.console.menu import Menu, Need
from credservice.console.pages import ObjectPage
from credservice.keys.admin.reminding import needs_of
from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import activate_signing_key, generate_signing_key, retire_signing_key

State = SigningKey.State


class NewKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    leaked = forms.TypedChoiceField(
        label="The key before",
        choices=(("no", "Stays published until its last token has expired"), ("yes", "Has leaked: it ends at once")),
        initial="no",
        coerce=lambda text: text == "yes",
        widget=UnfoldAdminRadioSelectWidget,
    )


class Activate(ObjectPage):
    slug, title, icon = "activate", "Activate", "play_circle"
    permission = "activate"
    variant = ActionVariant.SUCCESS

    def refusal(self, obj: SigningKey) -> str:
        return "" if obj.state == State.PENDING else f"Only a pending key can be activated; this one is {obj.state}."

    def consequences(self, obj: SigningKey) -> list[str]:
        return ["New tokens are signed with this key. The present key stays published until its tokens have expired."]

    def perform(self, request: HttpRequest, obj: SigningKey, form: forms.Form) -> str:
        activate_signing_key(key=obj, actor=actor_of(request))
        return "The key signs from now on."


class Retire(ObjectPage):
    slug, title, icon = "retire", "Retire", "block"
    permission = "retire"
    variant = ActionVariant.DANGER

    def refusal(self, obj: SigningKey) -> str:
        if obj.state == State.CURRENT:
            return "This is the current key. Make a new one first; this one then becomes the previous one."
        return "This key is retired already." if obj.state == State.RETIRED else ""

    def consequences(self, obj: SigningKey) -> list[str]:
        return ["It is published no more: tokens that it signed verify no longer. Its private half is erased."]

    def perform(self, request: HttpRequest, obj: SigningKey, form: forms.Form) -> str:
        retire_signing_key(key=obj, actor=actor_of(request))
        return "The key is retired."


retire_all = BulkAction(
    "retire",
    "Retire",
    lambda actor, key, values: retire_signing_key(key=key, actor=actor),
    consequence="Each of these is published no more: tokens that it signed verify no longer. A current one is left.",
    done="Retired",
    permission="retire",
    danger=True,
)


@admin.register(SigningKey)
class SigningKeyAdmin(ConsoleAdmin):
    menu = Menu("Keys", 52, "draw")
    about = "What our own tokens are signed with. The public halves are at /.well-known/jwks.json."
    empty_help = "The first token that an issuer signs makes the first key. You can also add one beforehand."
    needs_proof = True
    form = NewKeyForm
    object_pages = (Activate, Retire)
    bulk_actions = (retire_all,)
    list_display = ("kid", "algorithm", "shown_state", "activates_at", "ends_at", "created_at")
    search_fields = ("kid",)
    search_help_text = "Key id"
    ordering = ("-created_at",)
    add_fieldsets = ((None, {"fields": ("algorithm", "leaked")}),)
    fields = ("kid", "algorithm", "shown_state", "public_jwk", "created_at", "activates_at", "activated_at", "ends_at")
    readonly_fields = ("shown_state", "public_jwk")

    def needs_operator(self) -> list[Need]:
        return needs_of(SigningKey)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """The service makes it, and writes the line."""
        data = form.cleaned_data
        made = generate_signing_key(algorithm=data["algorithm"], actor=actor_of(request), leaked=data["leaked"])
        obj.pk = made.pk
        obj.refresh_from_db()

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """See :meth:`save_model`."""

    @display(description="State")
    def shown_state(self, obj: SigningKey) -> Any:
        return label(obj.state)

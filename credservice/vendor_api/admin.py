"""Makes, shows once and revokes service tokens in the console."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from credservice.adminkit.approvals import required
from credservice.adminkit.labels import label
from credservice.adminkit.links import see_document
from credservice.adminkit.menu import Menu
from credservice.adminkit.moments import moment
from credservice.adminkit.object_actions import ObjectAction, Shown, Values
from credservice.adminkit.sentences import actor_name
from credservice.adminkit.shown_once import ShownOnceAdmin
from credservice.adminkit.widgets import NetworksField
from credservice.audit.names import actor_of
from credservice.core.checkout import COMMAND
from credservice.core.exceptions import Conflict
from credservice.core.last_used import NONE_YET
from credservice.vendor_api.models import REVEALING, Scope, ServiceToken
from credservice.vendor_api.tokens import create_token, digest_of, maker_of, refuse_taken, revoke_token


def in_words(scope: str) -> str:
    return f"{Scope(scope).label} ({scope})"


_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Customers": ("end-users", "installations", "grants", "bulk", "mindcloud-tokens"),
    "Credentials": ("credentials",),
    "Marketplaces": ("resources", "usage", "sso"),
    "Set-up": ("setup", "trust"),
    "Records": ("events", "audit", "export"),
}


def grouped_scopes() -> list[tuple[str, list[tuple[str, str]]]]:
    """Offer the scopes by what they are about: by what stands before the colon."""
    return [
        (title, [(scope.value, in_words(scope)) for scope in Scope if scope.partition(":")[0] in kinds])
        for title, kinds in _GROUPS.items()
    ]


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        label="It may",
        # Refusals, the OpenAPI document and create_token call a scope by its name.
        choices=grouped_scopes,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    networks = NetworksField(help_text="That it may call from, one a line, such as 203.0.113.0/24. Empty: any.")

    def clean_name(self) -> Any:
        name = self.cleaned_data["name"]
        try:
            refuse_taken(name)
        except Conflict as error:
            raise ValidationError(error.message) from None
        return name

    def clean_scopes(self) -> Any:
        """A token that can reveal is a reveal of everything: not one person's to make where a reveal takes two."""
        scopes = self.cleaned_data["scopes"]
        revealing = [scope for scope in REVEALING if scope in scopes]
        if revealing and required("reveal"):
            raise ValidationError(
                f"Reveals need a second person here, and a token with {revealing[0].value} needs none. Who has the "
                f"shell can make it: {COMMAND} create_token."
            )
        return scopes

    def clean_expires_at(self) -> Any:
        end = self.cleaned_data["expires_at"]
        if end is not None and end <= timezone.now():
            raise ValidationError("This has passed already.")
        return end


class Revoke(ObjectAction):
    slug, title, icon = "revoke", "Revoke", "block"
    permission = "revoke"
    variant = ActionVariant.DANGER
    consequence = "From now on, calls with this token are refused. This cannot be undone."

    def refusal(self, obj: ServiceToken) -> str:
        return "This token is revoked already." if obj.revoked_at else ""

    def perform(self, actor: str, obj: ServiceToken, values: Values) -> str:
        revoke_token(token=obj, actor=actor)
        return f"{obj} is revoked."


@admin.register(ServiceToken)
class ServiceTokenAdmin(ShownOnceAdmin):
    menu = Menu("Access", 63, "token")
    about = "How your own systems prove to the vendor API who they are. Only a digest is kept."
    empty_help = see_document(
        "Add one for each of your systems that calls the vendor API, with only what that system does.",
        "vendor-api/#a-token-and-the-first-call",
        "The first call",
    )
    needs_proof = True
    form = TokenForm
    object_pages = (Revoke,)
    list_display = ("name", "hint", "shown_state", "shown_scopes", "expires_at", "last_use", "created_at")
    search_fields = ("name", "hint")
    search_help_text = "Name or hint"
    by_text = ("digest", digest_of)
    add_fieldsets = ((None, {"fields": ("name", "scopes", "networks", "expires_at")}),)
    fields = (
        "name",
        "hint",
        "shown_state",
        "may",
        "shown_networks",
        "made_by",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_use",
    )
    readonly_fields = ("hint", "shown_state", "may", "shown_networks", "made_by", "revoked_at", "last_use")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever holds it was promised what it may: another need is another token."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service makes it, and writes the line. Its text is kept on the row object until it has been shown."""
        made, obj.text = create_token(**form.cleaned_data, actor=actor_of(request))
        obj.pk = made.pk

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """See :meth:`save_model`."""

    def shown_once(self, obj: Any) -> Shown:
        return Shown("New service token", "Copy it now: it is not shown again.", ((f"Token {obj.name}", obj.text),))

    @display(description="Made by")
    def made_by(self, obj: ServiceToken) -> str:
        return actor_name(maker_of(obj)) or "not known: its line of the audit log is gone"

    @display(description="State")
    def shown_state(self, obj: ServiceToken) -> Any:
        if obj.revoked_at:
            return label("revoked")
        return label("expired" if obj.expires_at and obj.expires_at <= timezone.now() else "active")

    @display(description="Last used", ordering="last_used_at")
    def last_use(self, obj: ServiceToken) -> Any:
        return moment(obj.last_used_at, NONE_YET)

    @display(description="It may")
    def shown_scopes(self, obj: ServiceToken) -> str:
        return ", ".join(obj.scopes)

    @display(description="It may")
    def may(self, obj: ServiceToken) -> str:
        return ", ".join(in_words(scope) for scope in obj.scopes)

    @display(description="Networks")
    def shown_networks(self, obj: ServiceToken) -> str:
        return ", ".join(obj.networks) or "any"

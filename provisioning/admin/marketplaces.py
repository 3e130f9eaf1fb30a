"""Marketplaces, and the keys by which their requests are known."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, Q
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter
from unfold.decorators import display

from credservice.console.base import ConsoleAdmin, LargeListAdmin, ReadOnly
from credservice.console.filters import StateFilter
from credservice.console.first_steps import WithFirstSteps
from credservice.console.labels import active_state, label
from credservice.console.menu import RARE, Menu
from credservice.console.widgets import SecretField
from credservice.crypto import seal
from provisioning.admin import pages
from provisioning.admin.first_steps import MarketplaceFirstSteps
from provisioning.models import LiveKey, Marketplace, TrustedKey
from provisioning.signing import parse_public_key


class MarketplaceForm(forms.ModelForm):  # type: ignore[type-arg]
    client_secret = SecretField(
        label="OAuth client secret",
        required=False,
        max_length=1024,
        help_text="Sealed when it is saved, and never shown again. Empty: it stays as it is.",
    )

    def clean(self) -> dict[str, Any]:
        """The secret is sent to the connector: who may name another one must have it, not have it sent there."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        moved = "connector_url" in self.changed_data and self.instance.sealed_client_secret
        if moved and not data.get("client_secret"):
            self.add_error("client_secret", "Enter the client secret again: it is sent to the new connector.")
        return data


@admin.register(Marketplace)
class MarketplaceAdmin(WithFirstSteps, ConsoleAdmin):
    menu = Menu("Provisioning", 31, "storefront")
    about = "Marketplace accounts that may order: connector, OAuth client, trusted keys."
    empty_help = "Add one for each account, then the master public key that it signs under, then a product."
    needs_proof = True
    form = MarketplaceForm
    first_steps = MarketplaceFirstSteps
    object_pages = (MarketplaceFirstSteps, pages.SuspendMarketplace, pages.ResumeMarketplace)
    bulk_actions = (pages.SuspendMarketplace.bulk(), pages.ResumeMarketplace.bulk())
    fixed_fields = ("name",)
    readonly_fields = ("shown_secret", "created_at")
    list_display = ("name", active_state, "connector_url", "client_id", "shown_secret", "created_at")
    list_filter = (StateFilter,)
    search_fields = ("name",)
    search_help_text = "Name"
    fieldsets = (
        (None, {"fields": ("name", "created_at")}),
        ("Connector", {"fields": ("connector_url", "client_id", "shown_secret", "client_secret", "rotates")}),
    )

    @display(description="Client secret")
    def shown_secret(self, obj: Marketplace) -> Any:
        return label("set" if obj.sealed_client_secret else "unset")

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        assert isinstance(obj, Marketplace)
        secret = form.cleaned_data.get("client_secret")
        if secret:
            obj.sealed_client_secret = seal(secret.encode(), obj.client_secret_place)
        super().save_model(request, obj, form, change)
        if secret and change:
            obj.save(update_fields=["sealed_client_secret"])


class TrustedKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """The key in either alphabet of base64; kept in one, so that the same key is not trusted twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "public_key" in self.fields:
            self.fields["public_key"] = forms.CharField(
                max_length=100,
                widget=self.fields["public_key"].widget,
                help_text="The marketplace's master public key: 32 bytes, in any form of base64.",
            )

    def clean_public_key(self) -> str:
        try:
            return parse_public_key(self.cleaned_data["public_key"])
        except ValueError as error:
            raise ValidationError(f"This is no public key: {error}.") from None

    def clean_ends_at(self) -> datetime | None:
        end: datetime | None = self.cleaned_data["ends_at"]
        if end is not None and "ends_at" in self.changed_data and end <= timezone.now():
            raise ValidationError("This has passed already. To end the key now, disable it.")
        return end


@admin.register(TrustedKey)
class TrustedKeyAdmin(ConsoleAdmin):
    menu = Menu("Provisioning", 32, "verified_user")
    about = "Master public keys: who holds the private half of one of these can order."
    empty_help = "Add the marketplace's published master key. A key for trials can be given an end."
    needs_proof = True
    form = TrustedKeyForm
    object_pages = (pages.DisableKey, pages.EnableKey)
    bulk_actions = (pages.DisableKey.bulk(),)
    fixed_fields = ("marketplace", "public_key", "label")
    readonly_fields = ("created_at",)
    list_display = ("label", "marketplace", "shown_state", "purpose", "public_key", "ends_at", "created_at")
    list_select_related = ("marketplace",)
    list_filter = (("marketplace", AutocompleteSelectFilter), ("is_test", BooleanRadioFilter))
    search_fields = ("label", "public_key")
    search_help_text = "Label or public key"
    ordering = ("marketplace__name", "label")
    autocomplete_fields = ("marketplace",)
    fields = ("marketplace", "label", "public_key", "is_test", "ends_at", "created_at")

    @display(description="State")
    def shown_state(self, obj: TrustedKey) -> Any:
        if not obj.is_enabled:
            return label("disabled")
        return label("ended" if obj.ends_at is not None and obj.ends_at <= timezone.now() else "trusted")

    @display(description="For")
    def purpose(self, obj: TrustedKey) -> Any:
        return label("test") if obj.is_test else "real orders"


@admin.register(LiveKey)
class LiveKeyAdmin(ReadOnly, LargeListAdmin):
    menu = Menu(RARE, 82, "fingerprint")
    about = "Keys that have signed requests, endorsed by a trusted key. One that should not be used can be denied."
    empty_help = "The first request of a marketplace records the key that signed it."
    keyset = ("pk",)
    object_pages = (pages.Deny, pages.Allow)
    bulk_actions = (pages.Deny.bulk(),)
    list_display = ("public_key", "trusted_key", "shown_state", "first_used_at", "last_used_at")
    list_select_related = ("trusted_key__marketplace",)
    list_filter = (("trusted_key", AutocompleteSelectFilter), ("is_denied", BooleanRadioFilter))
    search_help_text = "The public key"
    fields = ("public_key", "trusted_key", "shown_state", "first_used_at", "last_used_at")
    readonly_fields = ("shown_state",)

    def find(self, term: str) -> list[Q]:
        return [Q(public_key=term)]

    @display(description="State")
    def shown_state(self, obj: LiveKey) -> Any:
        return label("denied" if obj.is_denied else "accepted")

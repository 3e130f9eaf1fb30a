"""Shows the keys by which marketplaces' requests are known: master keys to trust, live keys to deny."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit.bulk import BulkAction
from credservice.adminkit.labels import label
from credservice.adminkit.menu import RARE, Menu
from credservice.adminkit.model_admin import ConsoleAdmin, LargeListAdmin, ReadOnly
from credservice.adminkit.state_pages import Switch, WhyForm
from credservice.adminkit.ticks import TickedForm, TickedPage, ask_for_tick, needed_tick
from credservice.adminkit.widgets import CharField
from provisioning.manifold.signatures.key_impact import KeyImpact, foretell_end, foretell_withdrawal
from provisioning.manifold.signatures.verify import parse_public_key
from provisioning.models import LiveKey, TrustedKey


class Withdraw(Switch):
    """Says when a request was last accepted by the key, and asks for a tick where that was lately."""

    variant = ActionVariant.DANGER
    form_class = WhyForm

    @staticmethod
    def impact(obj: Any) -> KeyImpact | None:
        raise NotImplementedError

    def consequences(self, obj: Any) -> list[str]:
        impact = self.impact(obj)
        return [self.consequence, impact.sentence() if impact else "No request was accepted by it yet."]

    def make_form(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        form = super().make_form(request, obj, data)
        impact = self.impact(obj)
        if impact and impact.is_live():
            form.fields["refuse"] = needed_tick(
                f"{self.title} it all the same",
                help_text="Requests are refused that are accepted now.",
                missing="Nothing is changed yet. Wait until the marketplace uses another key, or tick.",
            )
        return form

    @classmethod
    def bulk(cls, *, done: str = "", **differs: Any) -> BulkAction:
        def foretell(keys: Iterable[Any]) -> list[str]:
            used = sorted(str(key) for key in keys if (impact := cls.impact(key)) and impact.is_live())
            return [f"Requests were accepted within 24 hours by {', '.join(used)}: such are refused."] if used else []

        return super().bulk(done=done, foretell=foretell, tick=f"{cls.title} them all the same", **differs)


class DisableKey(Withdraw):
    slug, title, icon, verb = "disable", "Disable", "block", "disabled"
    field, source, target = "is_enabled", (True,), False
    consequence = "From now on, requests are refused that are signed under this master key."

    @staticmethod
    def impact(obj: TrustedKey) -> KeyImpact | None:
        return foretell_withdrawal(obj.live_keys.all())


class EnableKey(Switch):
    slug, title, icon, verb = "enable", "Enable", "check_circle", "enabled"
    needs_proof = True
    variant = ActionVariant.SUCCESS
    field, source, target = "is_enabled", (False,), True
    consequence = "Requests are accepted again that are signed under this master key, until its end."


class Deny(Withdraw):
    slug, title, icon, verb = "deny", "Deny", "block", "denied"
    field, source, target = "is_denied", (False,), True
    consequence = "From now on, what this live key signs is refused, whoever endorses it."

    @staticmethod
    def impact(obj: LiveKey) -> KeyImpact | None:
        return foretell_withdrawal(LiveKey.objects.filter(public_key=obj.public_key))


class Allow(Switch):
    slug, title, icon, verb = "allow", "Allow", "check_circle", "allowed"
    needs_proof = True
    variant = ActionVariant.SUCCESS
    field, source, target = "is_denied", (True,), False
    form_class = WhyForm
    consequence = "What this live key signs is accepted again, as long as its master key is trusted."


class TrustedKeyForm(TickedForm):
    """The key in either alphabet of base64; kept in one, so that the same key is not trusted twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "public_key" in self.fields:
            self.fields["public_key"] = CharField(
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

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        key = self.instance
        if self.errors or key._state.adding or "ends_at" not in self.changed_data:
            return
        impact = foretell_end(TrustedKey.objects.get(pk=key.pk), key)
        if impact and ask_for_tick(
            self,
            label="Save it and refuse its requests from then on",
            told=[impact.sentence()],
            how="Set a later end, or tick this and save again.",
            accepts=[key.ends_at.isoformat()],
        ):
            key.audit_facts |= {"accepted_changed_answers": impact.counts()}


@admin.register(TrustedKey)
class TrustedKeyAdmin(TickedPage, ConsoleAdmin):
    tick_beside = "ends_at"
    menu = Menu("Provisioning", 32, "verified_user")
    about = "Master public keys: who holds the private half of one of these can order."
    empty_help = "Add the marketplace's published master key. A key for trials can be given an end."
    needs_proof = True
    form = TrustedKeyForm
    object_pages = (DisableKey, EnableKey)
    bulk_actions = (DisableKey.bulk(),)
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
    object_pages = (Deny, Allow)
    bulk_actions = (Deny.bulk(),)
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

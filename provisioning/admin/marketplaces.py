"""Shows marketplaces. First steps with one are a protocol's, which adds them here."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.decorators import display

from credservice.adminkit.filters import StateFilter
from credservice.adminkit.labels import active_state, label
from credservice.adminkit.links import field_of, page_of
from credservice.adminkit.menu import MAX_COUNTED, Menu, Need
from credservice.adminkit.model_admin import ConsoleAdmin
from credservice.adminkit.object_header import Fact
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.refused_calls import Look, RefusedCalls, refused_calls
from credservice.adminkit.widgets import SecretField
from credservice.adminkit.wizard import FirstSteps, WithFirstSteps
from credservice.audit.models import AuditEvent
from credservice.crypto import seal
from provisioning.admin import pages
from provisioning.models import Marketplace
from provisioning.protocols import all_protocols

MAX_MARKETPLACES = 20


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


class Mend(NamedTuple):
    """Mends calls that are refused for a reason, as a protocol knows to: a sentence, and what finds its page."""

    sentence: str
    find_page: Callable[["MarketplaceAdmin", HttpRequest, Marketplace], str]  # empty: none helps, or is theirs to see


@admin.register(Marketplace)
class MarketplaceAdmin(WithFirstSteps, ConsoleAdmin):
    menu = Menu("Provisioning", 31, "storefront")
    about = "Marketplace accounts that may order: how each speaks, and what it is known by."
    empty_help = "Add one for each account, then the key or password that its calls are known by, then a product."
    needs_proof = True
    form = MarketplaceForm
    first_steps: ClassVar[tuple[type[FirstSteps], ...]] = ()
    object_pages: ClassVar[tuple[type[ObjectPage], ...]] = (pages.SuspendMarketplace, pages.ResumeMarketplace)
    mends: ClassVar[dict[str, Mend]] = {}
    bulk_actions = (pages.SuspendMarketplace.bulk(), pages.ResumeMarketplace.bulk())
    fixed_fields = ("name", "protocol_name")
    readonly_fields = ("address", "shown_secret", "created_at")
    list_display = ("name", active_state, "protocol_name", "connector_url", "client_id", "shown_secret", "created_at")
    list_filter = (StateFilter,)
    search_fields = ("name",)
    search_help_text = "Name"
    fieldsets = (
        (None, {"fields": ("name", "protocol_name", "address", "created_at")}),
        ("Connector", {"fields": ("connector_url", "client_id", "shown_secret", "client_secret", "rotates")}),
        ("Single sign-on", {"fields": ("sign_on_404",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out what is set for another protocol than the marketplace's."""
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        others = {name for protocol in all_protocols() for name in protocol.settings} - obj.protocol.settings
        if "client_secret" in others:
            others.add("shown_secret")
        kept = [(title, {"fields": [name for name in part["fields"] if name not in others]}) for title, part in found]
        return [(title, part) for title, part in kept if part["fields"]]

    @display(description="Address for it")
    def address(self, obj: Marketplace) -> str:
        return obj.protocol.address if obj.name else "Known once it is added."

    def facts(self, request: HttpRequest, obj: Marketplace) -> list[Fact]:
        return _refused_of(obj).facts(request)

    def next_steps(self, request: HttpRequest, obj: Marketplace) -> list[Need]:
        return [need for look in _refused_of(obj).many() for need in self._mend(request, obj, look.reason)]

    def next_of_line(self, request: HttpRequest, event: AuditEvent) -> list[Need]:
        """Lead from a refused call to what mends it."""
        kind, _, name = event.actor.partition(":")
        is_call = kind in ("unproven", "marketplace") and not event.action.startswith(("exchange.", "user."))
        if not is_call or event.outcome != AuditEvent.Outcome.REFUSED or event.reason not in self.mends:
            return []
        obj = Marketplace.objects.filter(name=name).first()
        return self._mend(request, obj, event.reason) if obj and self.has_view_permission(request, obj) else []

    def _mend(self, request: HttpRequest, obj: Marketplace, reason: str) -> list[Need]:
        mend = self.mends.get(reason)
        link = mend.find_page(self, request, obj) if mend else ""
        return [Need(mend.sentence, link=link)] if mend and link else []

    def needs_operator(self) -> list[Need]:
        rows = Marketplace.objects.order_by("-is_active", "name")[:MAX_MARKETPLACES]
        many = [_need(row, look) for row in rows for look in _refused_of(row).many()]
        return [*many, *self._lenient()]

    def _lenient(self) -> list[Need]:
        rows = Marketplace.objects.filter(sign_on_404=Marketplace.SignOn404.ALLOW)[:MAX_COUNTED]
        return [
            Need(
                f"{row} lets users sign on to resources that its connector does not find (404 at sign-on)",
                link=field_of(row, "sign_on_404"),
                needs="provisioning.change_marketplace",
            )
            for row in rows
        ]

    @display(description="Client secret")
    def shown_secret(self, obj: Marketplace) -> Any:
        return label("set" if obj.sealed_client_secret else "not set")

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        assert isinstance(obj, Marketplace)
        secret = form.cleaned_data.get("client_secret")
        if secret:
            obj.sealed_client_secret = seal(secret.encode(), obj.client_secret_place)
        super().save_model(request, obj, form, change)
        if secret and change:
            obj.save(update_fields=["sealed_client_secret"])


def _need(marketplace: Marketplace, look: Look) -> Need:
    """Lead to the marketplace where anybody may have called, and else to the calls' lines."""
    if not marketplace.is_active:
        return look.need_of_suspended(marketplace)
    link = page_of(marketplace) if look.is_claimed else look.trail_url()
    return Need(look.sentence(), urgent=not look.is_claimed, link=link, kind=look.kind)


def _refused_of(marketplace: Marketplace) -> RefusedCalls:
    """Look at what came by a request and is no exchange: a platform may have the same name. Reads leave no line."""
    calls = AuditEvent.objects.exclude(request_id="").exclude(action__startswith="exchange.")
    return refused_calls("marketplace", marketplace.name, among=calls, every_call=False)

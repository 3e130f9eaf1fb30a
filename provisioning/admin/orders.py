"""Shows what marketplaces have ordered: to read, and to suspend. Their ids are theirs, and used once."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_link
from credservice.adminkit.menu import Menu
from credservice.adminkit.model_admin import LargeListAdmin, Others, ReadOnly, by_id
from credservice.adminkit.moments import moment
from credservice.adminkit.object_header import Fact
from credservice.console.audit.who_saw import WhoSaw
from credservice.core.checkout import COMMAND
from credservice.credentials.models import Credential
from provisioning.admin import pages
from provisioning.models import Resource, ResourceCredential, UsageReport


@admin.register(Resource)
class ResourceAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Provisioning", 36, "dns")
    about = "Instances of a product that a marketplace has provisioned, on their plans."
    empty_help = f"A marketplace's first order shows here. Try one with: {COMMAND} check_provider"
    object_pages = (WhoSaw, pages.SuspendResource, pages.ResumeResource)
    bulk_actions = (pages.SuspendResource.bulk(), pages.ResumeResource.bulk())
    list_display = ("partner_id", "shown_state", "product", "plan", "region", "marketplace", "created_at")
    list_select_related = ("product", "plan", "marketplace")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("marketplace", AutocompleteSelectFilter),
        ("product", AutocompleteSelectFilter),
        ("plan", AutocompleteSelectFilter),
    )
    search_help_text = "The marketplace's resource id, or our id"
    fieldsets = (
        (None, {"fields": ("partner_id", "shown_state", "marketplace", "usage_reports")}),
        ("Order", {"fields": ("product", "plan", "region", "features")}),
        ("Dates", {"fields": ("created_at", "deprovisioned_at")}),
    )
    readonly_fields = ("shown_state", "usage_reports")

    def facts(self, request: HttpRequest, obj: Resource) -> list[Fact]:
        return [
            Fact("Product", link_to(obj.product)),
            Fact("Plan", link_to(obj.plan)),
            Fact("Marketplace", link_to(obj.marketplace)),
            Fact("Ordered", moment(obj.created_at)),
        ]

    def tell_apart(self, obj: Resource) -> str:
        return f"{obj.product} · {obj.plan} · {obj.marketplace}"

    def find(self, term: str) -> list[Q]:
        return [Q(partner_id=term), *by_id(term)]

    @display(description="State")
    def shown_state(self, obj: Resource) -> Any:
        return label(obj.state)

    @display(description="Usage reports")
    def usage_reports(self, obj: Resource) -> Any:
        return list_link(UsageReport, "Each report of its usage", resource__id__exact=obj.pk)


@admin.register(ResourceCredential)
class ResourceCredentialAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Provisioning", 37, "vpn_key")
    about = "The marketplace's credential ids, each bound to a credential of a resource."
    empty_help = "They come with a marketplace's orders."
    list_display = ("partner_id", "shown_state", "resource", "marketplace", "created_at", "deprovisioned_at")
    list_select_related = ("resource", "marketplace", "credential")
    list_filter = (("marketplace", AutocompleteSelectFilter), ("resource", AutocompleteSelectFilter))
    search_help_text = "The marketplace's credential id or resource id, or our id"
    fields = ("partner_id", "marketplace", "resource", "shown_credential", "created_at", "deprovisioned_at")
    readonly_fields = ("shown_credential",)

    def find(self, term: str) -> list[Q]:
        return [Q(partner_id=term), *by_id(term)]

    def find_of_others(self, others: Others) -> list[Q]:
        return [Q(resource__in=others.keys(Resource))]

    @display(description="First credential")
    def shown_state(self, obj: ResourceCredential) -> Any:
        return label(obj.credential.state_word())

    @display(description="Credential")
    def shown_credential(self, obj: ResourceCredential) -> Any:
        return format_html(
            '<div class="console-links">{}{}</div>',
            link_to(obj.credential),
            list_link(Credential, "All versions", line=obj.credential.line),
        )

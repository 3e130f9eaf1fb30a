"""Shows what the vendor has reported. Wrong reports are corrected by further ones."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from credservice.adminkit.labels import label
from credservice.adminkit.menu import RARE, Menu
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly
from credservice.core.checkout import COMMAND
from provisioning.models import UsageHour, UsageReport


@admin.register(UsageReport)
class UsageReportAdmin(ReadOnly, LargeListAdmin):
    menu = Menu(RARE, 84, "receipt_long")
    about = "What your product has reported of metered features, each report under its own key."
    empty_help = f"They come by the vendor API, or with: {COMMAND} report_usage"
    keyset = ("pk",)
    list_display = ("key", "resource", "feature", "quantity", "at", "shown_state", "received_at")
    list_select_related = ("resource", "feature")
    list_filter = (("resource", AutocompleteSelectFilter),)
    search_help_text = "The reporter's key"
    fields = ("key", "resource", "feature", "quantity", "at", "corrects", "shown_state", "received_at")
    readonly_fields = ("shown_state",)

    def find(self, term: str) -> list[Q]:
        return [Q(key=term)]

    @display(description="State")
    def shown_state(self, obj: UsageReport) -> Any:
        return label("corrected" if obj.is_corrected else "counted")


@admin.register(UsageHour)
class UsageHourAdmin(ReadOnly, LargeListAdmin):
    menu = Menu(RARE, 85, "bar_chart", "Usage by the hour")
    in_search = False  # its resource is found
    about = "The sums of those reports, from which a marketplace's question is answered."
    empty_help = "They are kept as reports come in."
    keyset = ("pk",)
    list_display = ("resource", "feature", "hour", "quantity")
    list_display_links = ("hour",)
    list_select_related = ("resource", "feature")
    list_filter = (("resource", AutocompleteSelectFilter),)
    search_help_text = "The marketplace's resource id"
    fields = ("resource", "feature", "hour", "quantity")

    def find(self, term: str) -> list[Q]:
        return [Q(resource__partner_id=term)]

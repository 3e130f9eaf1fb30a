"""Shows who from a marketplace is looking at a resource now, and signs them out."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.enums import ActionVariant

from credservice.adminkit.menu import RARE, Menu
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly, by_id
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.core.exceptions import Conflict
from provisioning.models import ResourceSession
from provisioning.sso import sessions


class SignOut(ObjectAction):
    slug, title, icon = "sign-out", "Sign out", "logout"
    permission = "end"
    variant = ActionVariant.DANGER
    leads_to_list = True
    consequence = (
        "The resource's page is closed to this browser at once. The marketplace may let its user in again: to keep "
        "everybody out, suspend the marketplace."
    )

    def perform(self, actor: str, obj: ResourceSession, values: Values) -> str:
        if not sessions.end(obj, action="sso.ended", by=actor):
            raise Conflict("This session has ended already.")
        return "The session is ended."


@admin.register(ResourceSession)
class ResourceSessionAdmin(ReadOnly, LargeListAdmin):
    menu = Menu(RARE, 86, "badge", "Resource sessions")
    about = "Users of a marketplace who are looking at the page of a resource."
    empty_help = "They come by the marketplace's single sign-on, and are gone when they end."
    object_pages = (SignOut,)
    list_display = ("user", "resource", "started_at", "expires_at")
    list_select_related = ("resource",)
    list_filter = (("resource", AutocompleteSelectFilter),)
    search_help_text = "Our id, or the marketplace's id of the user"
    keyset = ("expires_at", "pk")
    fields = ("user", "resource", "started_at", "expires_at")

    def find(self, term: str) -> list[Q]:
        return [Q(user=term), *by_id(term)]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("sealed_token", "digest")

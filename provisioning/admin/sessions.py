"""Who from a marketplace is looking at a resource now: to see, and to sign out."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.enums import ActionVariant

from credservice.console.actor import actor_of
from credservice.console.base import LargeListAdmin, ReadOnly, as_uuid
from credservice.console.menu import RARE, Menu
from credservice.console.pages import ObjectPage
from credservice.exceptions import Conflict
from provisioning.models import ResourceSession
from provisioning.sso import sessions


class SignOut(ObjectPage):
    slug, title, icon = "sign-out", "Sign out", "logout"
    permission = "end"
    variant = ActionVariant.DANGER

    def consequences(self, obj: ResourceSession) -> list[str]:
        return [
            "The resource's page is closed to this browser at once. The marketplace may let its user in again: to keep "
            "everybody out, suspend the marketplace.",
        ]

    def done_url(self, obj: ResourceSession) -> str:
        return self.list_url()

    def perform(self, request: HttpRequest, obj: ResourceSession, form: forms.Form) -> str:
        if not sessions.end(obj, action="sso.ended", by=actor_of(request)):
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
        return [Q(user=term), *as_uuid(term)]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("sealed_token", "digest")

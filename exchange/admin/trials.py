"""Tests an exchange: how a call would be answered now, and why. Nothing is changed or sent, and no value is shown."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from credservice.adminkit.links import page_of
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.previews import too_many
from credservice.adminkit.widgets import CharField
from exchange.models import MAX_ID, Installation, Platform
from exchange.serializers import ExchangeIds
from exchange.services.dry_run import Trial, try_exchange


def _id(label: str) -> CharField:
    return CharField(label=label, max_length=MAX_ID, widget=UnfoldAdminTextInputWidget())


class IdsForm(forms.Form):
    integration = _id("integrationId")
    installation = _id("installationId")
    end_user = _id("endUserId")


class TestExchange(ObjectPage):
    """Tests a platform with ids that are typed in. By GET, since it changes nothing and can be linked to."""

    slug, title, icon = "test-exchange", "Test exchange", "science"
    permission = "view"

    def answer(self, request: HttpRequest, obj: Any) -> HttpResponse:
        form = IdsForm(request.GET or None, initial=self.initial(obj))
        context = {"title": self.title, "form": form, "method": "get", "submit_label": "Test"}
        if form.is_valid() and (wait := too_many(request)):
            form.add_error(None, wait)
        elif form.is_valid():
            trial = try_exchange(platform=self.platform(obj), ids=ExchangeIds(**form.cleaned_data))
            context |= {"trial": trial, "links": _links(request, trial)}
        return self.render(request, obj, "exchange/test_exchange.html", context)

    def url_with(self, obj: Any, calls: Iterable[Mapping[str, Any]]) -> str:
        """Find the page with the ids of the first of these calls that has them all; of none, with empty fields."""
        sent = ({name: call.get(name) for name in IdsForm.base_fields} for call in calls)
        whole = next((ids for ids in sent if all(ids.values())), None)
        return f"{self.url(obj)}?{urlencode(whole)}" if whole else self.url(obj)

    def platform(self, obj: Any) -> Platform:
        found: Platform = obj
        return found

    def initial(self, obj: Any) -> dict[str, str]:
        return {}


class TestInstallation(TestExchange):
    """Tests an installation with its own ids filled in."""

    def platform(self, obj: Installation) -> Platform:
        return obj.platform

    def initial(self, obj: Installation) -> dict[str, str]:
        return {
            "integration": obj.integration.integration_id,
            "installation": obj.installation_id,
            "end_user": obj.end_user.end_user_id,
        }

    def url(self, obj: Installation) -> str:
        return f"{super().url(obj)}?{urlencode(self.initial(obj))}"


def _links(request: HttpRequest, trial: Trial) -> list[tuple[str, str, str | None]]:
    """List the objects that decided, linked where this user may look at them."""
    return [(name, str(obj), _link(request, obj)) for name, obj in trial.objects]


def _link(request: HttpRequest, obj: Model) -> str | None:
    site_admin = admin.site._registry.get(type(obj))
    return page_of(obj) if site_admin and site_admin.has_view_permission(request) else None

"""End users, their installations, and signatures that were seen."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from credservice.console.base import LargeListAdmin, ReadOnly, as_uuid
from credservice.console.filters import StateFilter
from credservice.console.labels import active_state, label
from credservice.console.menu import MAX_COUNTED, Menu, Need, counted
from exchange.admin import pages
from exchange.admin.trials import TestInstallation
from exchange.models import EndUser, Installation, Integration, Platform, SeenSignature


def on_any_platform(**ids: str) -> Q:
    """Platforms are few: naming them all lets PostgreSQL use the unique index, which begins with the platform."""
    return Q(platform__in=list(Platform.objects.values_list("pk", flat=True)), **ids)


def chosen(request: HttpRequest, model: type[Model], name: str) -> Any:
    """What the form whose choices are asked for has already in its field ``name``; None where nothing."""
    return next((model._default_manager.filter(pk).first() for pk in as_uuid(request.GET.get(name, ""))), None)


def end_user_label(end_user: EndUser) -> str:
    """Enough to tell end users of one name apart, on one platform or several."""
    name = end_user.name or end_user.external_id
    return " · ".join(part for part in (name, end_user.end_user_id, str(end_user.platform)) if part)


@admin.register(EndUser)
class EndUserAdmin(LargeListAdmin):
    menu = Menu("Exchange", 23, "person_pin")
    about = "Your customers, as the platform knows them (endUserId) and as you do."
    empty_help = "Register an end user with the endUserId that the platform sends, before its first exchange."
    object_pages = (pages.SuspendEndUser, pages.ResumeEndUser)
    bulk_actions = (pages.SuspendEndUser.bulk(), pages.ResumeEndUser.bulk())
    fixed_fields = ("platform", "end_user_id")
    names_only = ("attributes",)
    readonly_fields = (active_state, "created_at")
    list_display = ("__str__", "end_user_id", "external_id", active_state, "platform", "created_at")
    list_select_related = ("platform",)
    list_filter = (StateFilter, ("platform", AutocompleteSelectFilter))
    search_help_text = "endUserId, your own id, our id, or how its name begins"
    autocomplete_fields = ("platform",)
    fields = ("platform", "end_user_id", active_state, "external_id", "name", "attributes", "created_at")

    def find(self, term: str) -> list[Q]:
        return [on_any_platform(end_user_id=term), Q(external_id=term), Q(name__istartswith=term), *as_uuid(term)]

    def choice_label(self, obj: EndUser) -> str:
        return end_user_label(obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """In a form that has an integration already: of its platform alone."""
        integration = chosen(request, Integration, "chosen_integration")
        if integration is not None:
            queryset = queryset.filter(platform=integration.platform_id)
        return super().get_search_results(request, queryset.select_related("platform"), search_term)


class InstallationForm(forms.ModelForm):  # type: ignore[type-arg]
    """The platform is that of the integration; the model's own checks say where the end user is of another."""

    class Media:
        js = ("console/narrow.js",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        end_user: Any = self.fields.get("end_user")  # not there once it is fixed
        if end_user is not None:
            end_user.label_from_instance = end_user_label
            end_user.help_text = "Type how its name begins, its endUserId or your own id of it."

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        integration = data.get("integration")
        if integration is not None:
            self.instance.platform = integration.platform
            taken = Installation.objects.filter(
                platform=integration.platform, installation_id=data.get("installation_id")
            ).exclude(pk=self.instance.pk)
            if taken.exists():
                self.add_error("installation_id", "This platform has an installation with this id.")
        return data


@admin.register(Installation)
class InstallationAdmin(LargeListAdmin):
    menu = Menu("Exchange", 24, "deployed_code")
    about = "End users' instances of an integration. A first-seen one waits here for approval."
    empty_help = (
        "The first exchange of a known end user records its installation here; you can also add one beforehand."
    )
    form = InstallationForm
    object_pages = (pages.Approve, TestInstallation, pages.SuspendInstallation, pages.ResumeInstallation)
    bulk_actions = (pages.Approve.bulk(), pages.SuspendInstallation.bulk(), pages.ResumeInstallation.bulk())
    fixed_fields = ("integration", "end_user", "installation_id")
    names_only = ("attributes",)
    readonly_fields = ("shown_state", "created_at")
    list_display = ("installation_id", "shown_state", "integration", "end_user", "platform", "created_at")
    list_select_related = ("integration", "end_user", "platform")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("platform", AutocompleteSelectFilter),
        ("integration", AutocompleteSelectFilter),
        ("end_user", AutocompleteSelectFilter),
    )
    search_help_text = "installationId or our id"
    autocomplete_fields = ("integration", "end_user")
    fields = ("integration", "end_user", "installation_id", "shown_state", "attributes", "created_at")

    def find(self, term: str) -> list[Q]:
        return [on_any_platform(installation_id=term), *as_uuid(term)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """In a form that has an integration or an end user already: theirs alone."""
        end_user, integration = (
            chosen(request, EndUser, "chosen_end_user"),
            chosen(request, Integration, "chosen_integration"),
        )
        if end_user is not None:
            queryset = queryset.filter(end_user=end_user)
        if integration is not None:
            queryset = queryset.filter(integration=integration)
        return super().get_search_results(request, queryset, search_term)

    def needs_operator(self) -> list[Need]:
        number = Installation.objects.filter(state=Installation.State.PENDING)[:MAX_COUNTED].count()
        sentence = f"{counted(number, 'installation')} waiting for approval"
        return [Need(sentence, {"state__exact": "pending"})] if number else []

    def subject_of(self, obj: Installation) -> str:
        return f"end_user:{obj.end_user_id}"

    @display(description="State")
    def shown_state(self, obj: Installation) -> Any:
        return label(obj.state)


@admin.register(SeenSignature)
class SeenSignatureAdmin(ReadOnly, LargeListAdmin):
    about = "Signatures already used, of platforms that accept each one once."
    empty_help = "Filled where a platform's signatures are good for a single use."
    keyset = ("pk",)
    list_display = ("__str__", "platform", "seen_at")
    list_select_related = ("platform",)
    fields = ("platform", "seen_at")

    def find(self, term: str) -> list[Q]:
        return [Q(pk=int(term))] if term.isascii() and term.isdigit() else []

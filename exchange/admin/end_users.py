"""Lists end users, their installations, and signatures that were seen."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit.filters import StateFilter
from credservice.adminkit.labels import active_state, label
from credservice.adminkit.links import link_to, may_view
from credservice.adminkit.menu import MAX_COUNTED, Menu, Need, counted
from credservice.adminkit.model_admin import LargeListAdmin, Others, ReadOnly, by_id
from credservice.adminkit.moments import moment
from credservice.adminkit.object_header import Fact
from credservice.audit.models import AuditEvent
from exchange.admin import pages
from exchange.admin.accepted_answers import AttributesForm, AttributesPage
from exchange.admin.customers import WhoSawCustomer, grant_url, last_refused, next_steps_of, steps_of_installation
from exchange.admin.rebinding import Rebind
from exchange.admin.trials import TestInstallation
from exchange.audit import ACTION
from exchange.models import EndUser, Installation, Integration, Platform, SeenSignature
from exchange.refusals import UnknownEndUser

_EXTERNAL_ID = (
    "Your own id of the customer. Once set it stays: only a re-bind, which ends its credentials, gives another. "
    "Without one, answers that hold it are not given, and the vendor API knows the customer by no id of yours."
)


def on_any_platform(**ids: str) -> Q:
    """Ask for ids on every platform. They are few: named, PostgreSQL uses the unique index, which begins with them."""
    return Q(platform__in=list(Platform.objects.values_list("pk", flat=True)), **ids)


def chosen(request: HttpRequest, model: type[Model], name: str) -> Any:
    """Find what the form that asks for choices has already in its field ``name``; None where nothing."""
    return next((model._default_manager.filter(pk).first() for pk in by_id(request.GET.get(name, ""))), None)


def end_user_label(end_user: EndUser) -> str:
    """Name an end user so that several of one name can be told apart, on one platform or several."""
    name = end_user.name or end_user.external_id
    return " · ".join(part for part in (name, end_user.end_user_id, str(end_user.platform)) if part)


@admin.register(EndUser)
class EndUserAdmin(AttributesPage, LargeListAdmin):
    menu = Menu("Exchange", 23, "person_pin")
    about = "Your customers, as the platform knows them (endUserId) and as you do."
    empty_help = "Register an end user with the endUserId that the platform sends, before its first exchange."
    cards_first = True
    object_pages = (WhoSawCustomer, Rebind, pages.SuspendEndUser, pages.ResumeEndUser)
    bulk_actions = (pages.SuspendEndUser.bulk(), pages.ResumeEndUser.bulk())
    fixed_fields = ("platform", "end_user_id", "external_id")
    protected_fields: ClassVar[Any] = {
        "external_id": "exchange.rebind_enduser",
        "attributes": "credentials.change_credentialpolicy",
    }
    names_only = ("attributes",)
    readonly_fields = (active_state, "created_at")
    list_display = ("__str__", "end_user_id", "external_id", active_state, "platform", "created_at")
    list_select_related = ("platform",)
    list_filter = (StateFilter, ("platform", AutocompleteSelectFilter))
    search_help_text = "endUserId, your own id, our id, or how its name begins"
    autocomplete_fields = ("platform",)
    fields = ("platform", "end_user_id", active_state, "external_id", "name", "attributes", "created_at")

    def find(self, term: str) -> list[Q]:
        return [on_any_platform(end_user_id=term), Q(external_id=term), Q(name__istartswith=term), *by_id(term)]

    def find_part(self, term: str) -> Q | None:
        return Q(name__icontains=term) | Q(end_user_id__icontains=term) | Q(external_id__icontains=term)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Say of an external id what hangs on it, that it stays, and who may give one."""
        told = _EXTERNAL_ID
        if not request.user.has_perm("exchange.rebind_enduser"):
            told = f"{told} A secrets manager can give it by a re-bind; the vendor API and the set-up file can as well."
        return super().get_form(request, obj, change=change, **{"help_texts": {"external_id": told}} | kwargs)

    def facts(self, request: HttpRequest, obj: EndUser) -> list[Fact]:
        known = [Fact("Your id", obj.external_id)] if obj.external_id else []
        refused = last_refused(obj) if may_view(request, AuditEvent) else None
        told = format_html("{}: {}", moment(refused.at), refused.reason.replace("_", " ")) if refused else ""
        return [
            *known,
            Fact("endUserId", obj.end_user_id),
            Fact("Platform", link_to(obj.platform)),
            Fact("Added", moment(obj.created_at)),
            *([Fact("Last refused call", link_to(refused, told))] if refused else []),
        ]

    def next_steps(self, request: HttpRequest, obj: EndUser) -> list[Need]:
        return next_steps_of(request, obj)

    def next_of_line(self, request: HttpRequest, event: AuditEvent) -> list[Need]:
        """Lead from a proven exchange for an end user that is unknown, and still is, to the form that registers it."""
        kind, _, name = event.actor.partition(":")
        unknown = event.action == ACTION and event.reason == UnknownEndUser.code and kind == "platform"
        if not unknown or not self.has_add_permission(request) or not may_view(request, Platform):
            return []
        platform, asked = Platform.objects.filter(name=name).first(), event.detail.get("end_user")
        if platform is None or not asked or EndUser.objects.filter(platform=platform, end_user_id=asked).exists():
            return []
        query = urlencode({"platform": platform.pk, "end_user_id": asked})
        return [Need("Register this end user", link=f"{reverse('admin:exchange_enduser_add')}?{query}")]

    def page_links(self, request: HttpRequest, obj: EndUser) -> list[dict[str, Any]]:
        links = super().page_links(request, obj)
        if not request.user.has_perms(["exchange.add_grant", "credentials.add_credential"]):
            return links
        grant = {"title": "Grant a credential", "icon": "handshake", "variant": ActionVariant.PRIMARY}
        return [grant | {"path": grant_url(obj)}, *links]

    def tell_apart(self, obj: EndUser) -> str:
        return " · ".join(
            part for part in (obj.external_id, obj.end_user_id, str(obj.platform)) if part not in ("", str(obj))
        )

    def choice_label(self, obj: EndUser) -> str:
        return end_user_label(obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Offer, in a form that has an integration already, those of its platform alone."""
        integration = chosen(request, Integration, "chosen_integration")
        if integration is not None:
            queryset = queryset.filter(platform=integration.platform_id)
        return super().get_search_results(request, queryset.select_related("platform"), search_term)


class InstallationForm(AttributesForm):
    """Takes the platform of the integration; the model's own checks say where the end user is of another."""

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
        return data

    def _get_validation_exclusions(self) -> set[str]:
        """Have it checked that the id is new on the platform, which no field asks for."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"platform"} if self.instance.platform_id else excluded


@admin.register(Installation)
class InstallationAdmin(AttributesPage, LargeListAdmin):
    menu = Menu("Exchange", 24, "deployed_code")
    about = "End users' instances of an integration. A first-seen one waits here for approval."
    empty_help = (
        "The first exchange of a known end user records its installation here; you can also add one beforehand."
    )
    form = InstallationForm
    object_pages = (pages.Approve, pages.Refuse, TestInstallation, pages.SuspendInstallation, pages.ResumeInstallation)
    bulk_actions = tuple(
        page.bulk() for page in (pages.Approve, pages.Refuse, pages.SuspendInstallation, pages.ResumeInstallation)
    )
    fixed_fields = ("integration", "end_user", "installation_id")
    protected_fields: ClassVar[Any] = {"attributes": "credentials.change_credentialpolicy"}
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
    search_help_text = "installationId, a customer's id, how its name begins, or our id"
    autocomplete_fields = ("integration", "end_user")
    fields = ("integration", "end_user", "installation_id", "shown_state", "attributes", "created_at")

    def find(self, term: str) -> list[Q]:
        return [on_any_platform(installation_id=term), *by_id(term)]

    def find_of_others(self, others: Others) -> list[Q]:
        return [Q(end_user__in=others.keys(EndUser))]

    def facts(self, request: HttpRequest, obj: Installation) -> list[Fact]:
        return [
            Fact("Customer", link_to(obj.end_user)),
            Fact("Integration", link_to(obj.integration)),
            Fact("Added", moment(obj.created_at)),
        ]

    def next_steps(self, request: HttpRequest, obj: Installation) -> list[Need]:
        return steps_of_installation(request, obj)

    def object_title(self, obj: Installation) -> str:
        return f"{obj.installation_id} of {obj.end_user}"

    def tell_apart(self, obj: Installation) -> str:
        return f"{obj.integration} · {obj.end_user} · {obj.platform}"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Offer, in a form that has an integration or an end user already, theirs alone."""
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

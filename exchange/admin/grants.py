"""Lists grants, and adds one in two steps."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from credservice.adminkit.form_ids import new_form_id, use_up
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_link, list_url, page_of
from credservice.adminkit.menu import Menu
from credservice.adminkit.model_admin import LargeListAdmin, Others, by_id
from credservice.adminkit.moments import moment
from credservice.adminkit.object_header import Fact
from credservice.audit.names import actor_of
from credservice.core.exceptions import ServiceError
from credservice.core.names import printable
from credservice.credentials.admin import ValuesForm
from credservice.credentials.models import Credential
from credservice.credentials.services import finish_at_commit
from exchange.admin import pages
from exchange.admin.customers import with_shown
from exchange.admin.end_users import end_user_label
from exchange.admin.related import hands_out
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.services.answer_impact import answer_with
from exchange.services.customer_answers import MAX_SHOWN
from exchange.services.grants import grant_credential, granted_already

State = Installation.State
_STILL: dict[str, str] = {
    State.PENDING: "waits for approval",
    State.REFUSED: "is refused",
    State.SUSPENDED: "is suspended",
}


class EndUserField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return end_user_label(obj)


class PartiesForm(forms.Form):
    """Asks for the parties: step one, sent by GET, so that its address can be linked to."""

    integration = forms.ModelChoiceField(Integration.objects.select_related("policy", "platform"))
    end_user = EndUserField(
        EndUser.objects.select_related("platform"),
        help_text="Type how its name begins, its endUserId or your own id of it.",
    )
    installation = forms.ModelChoiceField(
        Installation.objects.all(),
        required=False,
        help_text="Empty: all installations of this end user. One: that one alone, in place of the others' credential.",
    )

    class Media:
        js = ("console/narrow.js",)

    def __init__(self, site_admin: Any, data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        for name, field in self.fields.items():
            widget = AutocompleteSelect(Grant._meta.get_field(name), site_admin.admin_site)
            widget.is_required, widget.choices = field.required, field.widget.choices
            field.widget = widget

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                Grant(**data).clean()
            except ValidationError as error:
                raise ValidationError(error.messages) from None
        return data


def _unanswered(*, integration: Integration, end_user: EndUser, installation: Installation | None) -> list[str]:
    """Say which installations get no answer all the same, once this is granted, and why; of a customer that has none
    yet, why its first one gets none."""
    own = Installation.objects.filter(integration=integration, end_user=end_user).order_by("-created_at")
    chosen = [installation] if installation else list(own[:MAX_SHOWN])
    found = [each for each in chosen if each.state == State.ACTIVE]
    if chosen and not found:
        return [printable(f"{each} gets no answer yet: it {_STILL[each.state]}.") for each in chosen]
    first = Installation(integration=integration, end_user=end_user, platform=integration.platform)
    names = integration.policy.value_names()
    for each in found:  # as they were chosen
        each.integration, each.end_user, each.platform = integration, end_user, integration.platform
    told = pages.whys({each: answer_with(each, names) for each in found or [first]})
    sentences = [
        f"{each.installation_id or 'Its first installation'} gets no answer yet: {why}." for each, why in told.items()
    ]
    if not chosen and not told and not integration.platform.approve_installations:
        sentences = ["Its first installation waits for approval at its first exchange."]
    return [printable(sentence) for sentence in sentences]


def _chosen(request: HttpRequest) -> dict[str, EndUser]:
    """Fill in the end user whose page led here."""
    end_user = next((EndUser.objects.filter(pk).first() for pk in by_id(request.GET.get("end_user", ""))), None)
    return {"end_user": end_user} if end_user else {}


@admin.register(Grant)
class GrantAdmin(LargeListAdmin):
    menu = Menu("Exchange", 25, "handshake")
    about = "Which credential is handed out to whom: for an end user, or narrower, for one installation."
    empty_help = (
        "Add one to enter an end user's credential. Where a policy generates credentials, the first exchange makes "
        "the grant by itself."
    )
    object_pages = (pages.Withdraw,)
    list_display = ("end_user", "integration", "scope", "shown_credential", "created_at", "last_used")
    cards_first = True
    list_select_related = ("integration", "end_user", "installation")
    list_filter = (
        ("integration", AutocompleteSelectFilter),
        ("end_user", AutocompleteSelectFilter),
        ("installation", AutocompleteSelectFilter),
    )
    search_help_text = "Customer's id, how its name begins, our id, or the line of a credential"
    fields = ("integration", "end_user", "installation", "handed_out", "shown_line", "created_at")
    readonly_fields = ("handed_out", "shown_line")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse edits: the credential is rotated, or the grant withdrawn."""
        return False

    def find(self, term: str) -> list[Q]:
        return [q for pk in by_id(term) for q in (pk, Q(line=term))]

    def find_of_others(self, others: Others) -> list[Q]:
        return [Q(end_user__in=others.keys(EndUser))]

    def tell_apart(self, obj: Grant) -> str:
        return f"{obj.end_user} · {obj.integration} · {self.scope(obj)}"

    # --- the list ------------------------------------------------------------------------------------------------

    def prepare_rows(self, rows: list[Any]) -> None:
        with_shown(rows)

    @display(description="For")
    def scope(self, obj: Grant) -> str:
        return f"installation {obj.installation}" if obj.installation else "all installations"

    @display(description="Credential")
    def shown_credential(self, obj: Any) -> Any:
        if obj.shown is None:
            return "none"
        return format_html("{} {}", link_to(obj.shown, obj.shown.version_name()), label(obj.shown.state_word()))

    @display(description="Last checked")
    def last_used(self, obj: Any) -> Any:
        return moment(obj.shown.last_used_at if obj.shown else None)

    def object_state(self, obj: Any) -> Any:
        with_shown([obj])
        return label(obj.shown.state_word()) if obj.shown else ""

    def facts(self, request: HttpRequest, obj: Grant) -> list[Fact]:
        return [
            Fact("Hands out", self.handed_out(obj)),
            Fact("For", self.scope(obj)),
            Fact("Granted", moment(obj.created_at)),
        ]

    @display(description="Handed out")
    def handed_out(self, obj: Grant) -> Any:
        return hands_out(obj)

    @display(description="Credentials")
    def shown_line(self, obj: Grant) -> Any:
        newest = Credential.objects.filter(line=obj.line).order_by("-created_at").first()
        return format_html(
            '<div class="console-links">{}{}</div>',
            link_to(newest, f"The newest: {newest}"),
            list_link(Credential, "All versions", line=obj.line),
        )

    # --- adding one ----------------------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not (self.has_add_permission(request) and request.user.has_perm("credentials.add_credential")):
            raise PermissionDenied
        return self._add(request)

    @method_decorator(sensitive_post_parameters())
    def _add(self, request: HttpRequest) -> HttpResponse:
        parties = PartiesForm(self, request.GET if "integration" in request.GET else None, initial=_chosen(request))
        if not parties.is_valid():
            return self._ask(request, {"form": parties, "method": "get", "submit_label": "Next"})
        current = granted_already(**parties.cleaned_data)
        if current is not None and request.method != "POST":
            return self._lead_to(request, current, parties)
        policy = parties.cleaned_data["integration"].policy
        end_user = parties.cleaned_data["end_user"]
        whose = end_user.subject, end_user.external_id
        values = ValuesForm(policy, request.POST if request.method == "POST" else None, whose=whose)
        if values.is_valid():
            try:
                return self._grant(request, parties, values)
            except ServiceError as error:
                values.add_error(None, error.message)
        return self._ask(request, self._values_context(request, parties, values))

    def _lead_to(self, request: HttpRequest, current: Credential, parties: PartiesForm) -> HttpResponse:
        """Say that there is such a grant, before secrets are typed in vain."""
        whose, integration = end_user_label(parties.cleaned_data["end_user"]), parties.cleaned_data["integration"]
        sentence = f"{whose} is granted this credential for {integration} already. Replace its values, or rotate it."
        messages.info(request, sentence)
        return HttpResponseRedirect(page_of(current))

    def _grant(self, request: HttpRequest, parties: PartiesForm, values: ValuesForm) -> HttpResponse:
        actor = actor_of(request)
        with transaction.atomic():
            use_up(request)
            grant, credential = grant_credential(**parties.cleaned_data, entered=values.entered(), actor=actor)
            finish_at_commit(credential, actor=actor)
        if unanswered := _unanswered(**parties.cleaned_data):
            messages.warning(request, " ".join(["The credential is granted.", *unanswered]))
        else:
            messages.success(request, "The credential is granted: the next exchange hands it out.")
        return HttpResponseRedirect(page_of(grant))

    def _values_context(self, request: HttpRequest, parties: PartiesForm, values: ValuesForm) -> dict[str, Any]:
        chosen = parties.cleaned_data
        where = f"installation {chosen['installation']}" if chosen["installation"] else "all of its installations"
        return {
            "form": values,
            "method": "post",
            "submit_label": "Grant",
            "form_id": new_form_id(request),
            "consequences": [
                f"{end_user_label(chosen['end_user'])} gets a credential for {chosen['integration']}, for {where}.",
                values.explanation,
                *_unanswered(**chosen),
            ],
        }

    def _ask(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        common = {
            "opts": self.opts,
            "title": "Grant a credential",
            "home": list_url(Grant),
            "submit_variant": "primary",
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "console/page.html", self.admin_site.each_context(request) | common | context)

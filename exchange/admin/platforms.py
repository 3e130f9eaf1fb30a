"""Lists platforms and integrations, and edits them."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit.filters import StateFilter
from credservice.adminkit.labels import active_state, label
from credservice.adminkit.links import field_of, link_to, page_of, see_document
from credservice.adminkit.menu import MAX_COUNTED, Menu, Need, counted
from credservice.adminkit.model_admin import ConsoleAdmin
from credservice.adminkit.moments import moment
from credservice.adminkit.object_header import Fact
from credservice.adminkit.refused_calls import RefusedCalls
from credservice.adminkit.ticks import TickedForm, TickedPage, ask_for_tick
from credservice.adminkit.widgets import NetworksField, SecretField
from credservice.adminkit.wizard import WithFirstSteps
from credservice.audit.models import AuditEvent
from credservice.core.last_used import NONE_YET
from credservice.crypto import seal
from credservice.http.outgoing import check_header_secret
from credservice.keys.admin import NewSecret, WithSecrets, secrets_table
from credservice.keys.models import SigningSecret, SigningSecretSet
from exchange.admin import pages
from exchange.admin.credential_filters import credentials_fact
from exchange.admin.debugger import SignatureDebugger, opens
from exchange.admin.first_steps import PlatformFirstSteps, endpoint_of
from exchange.admin.refused_platforms import call_of, refused_of, refused_platforms, unnamed_calls, what_to_do
from exchange.admin.shape_table import ShapeField, UnseenShapeTable, shape_shown
from exchange.admin.shapes import TABLE, EditShape, link_other_view
from exchange.admin.trials import TestExchange
from exchange.audit import ACTION
from exchange.models import Integration, Platform
from exchange.models.platforms import PROFILE
from exchange.services.default_impact import foretell_default
from exchange.services.grants import new_secret_set
from exchange.services.limit_impact import MOST, foretell_limit
from exchange.services.signature_impact import foretell_refusals
from exchange.shapes import WANTED

ANSWER_HELP = see_document(
    'Fields of the answer, such as {"apiKey": "$credential.apiKey"}.',
    "protocols/mindcloud/#the-answer",
    "What they may hold",
)
REFUSING = (*PROFILE, "requests_per_minute", "is_default")  # may have calls refused that are answered now
ANSWER_LINK = '<a class="text-link" href="{}">{}</a>'


class PlatformForm(TickedForm):
    class Meta:
        help_texts: ClassVar = {
            "requests_per_minute": "Empty: no limit. A lower one is compared with the calls of the last 24 hours, or "
            f"the newest {MOST:,} of them.",
        }

    api_key = SecretField(
        label="API key",
        required=False,
        max_length=1024,
        help_text="Of MindCloud's API. Sealed when it is saved, and never shown again. Empty: it stays as it is.",
    )

    source_networks = NetworksField(
        help_text="That may call, one a line, such as 203.0.113.0/24. Empty: any. Needed where nothing is signed."
    )

    def clean(self) -> dict[str, Any]:
        """Ask for the API key with a new address, since it is sent there: who names one must have the key."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        moved = "api_url" in self.changed_data and data.get("api_url") and self.instance.sealed_api_key
        if moved and not data.get("api_key"):
            self.add_error("api_key", "Enter the API key again: it is sent to the new address.")
        return data

    def clean_api_key(self) -> str:
        key: str = self.cleaned_data["api_key"]
        try:
            check_header_secret(key)
        except ValueError as error:
            raise forms.ValidationError(f"The key {error}. Copy it once more, without what is around it.") from None
        return key

    def clean_is_default(self) -> bool:
        wanted: bool = self.cleaned_data["is_default"]
        other = Platform.objects.filter(is_default=True).exclude(pk=self.instance.pk).first()
        if wanted and other:
            raise forms.ValidationError(f"{other} is the default platform. Take it away there first.")
        return wanted

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors and not self.instance._state.adding and {*REFUSING} & {*self.changed_data}:
            self._ask_about_calls()

    def _ask_about_calls(self) -> None:
        """Ask for a tick where calls that are answered now may be refused by what is changed."""
        platform = self.instance
        before = Platform.objects.get(pk=platform.pk)
        foretold = (
            foretell_refusals(before, platform),
            foretell_limit(before, platform),
            foretell_default(before, platform),
        )
        impacts = [each for each in foretold if each]
        if impacts and ask_for_tick(
            self,
            label=f"Save it and refuse {' and '.join(each.refused for each in impacts)}",
            told=[line for each in impacts for line in (each.sentence(), each.advice) if line],
            how=f"Leave the {' and the '.join(each.of for each in impacts)} as before, or tick this and save again.",
            accepts=[repr(getattr(platform, name)) for name in REFUSING],
        ):
            counts = {name: count for each in impacts for name, count in each.counts().items()}
            platform.audit_facts = {"accepted_changed_answers": counts}


@admin.register(Platform)
class PlatformAdmin(WithFirstSteps, WithSecrets, TickedPage, ConsoleAdmin):
    tick_beside = "require_signature"
    menu = Menu("Exchange", 21, "hub")
    about = "Accounts at an embedded-integration platform such as MindCloud: endpoint, signature, signing secrets."
    empty_help = (
        "Add one for each account: it gets an endpoint, and a signing secret to paste into the platform's settings."
    )
    needs_proof = True
    form = PlatformForm
    first_steps = (PlatformFirstSteps,)
    object_pages = (PlatformFirstSteps, TestExchange, SignatureDebugger, pages.SuspendPlatform, pages.ResumePlatform)
    bulk_actions = (pages.SuspendPlatform.bulk(), pages.ResumePlatform.bulk())
    fixed_fields = ("name",)
    readonly_fields = (active_state, "endpoint", "signing_secrets", "shown_api_key", "created_at")
    list_display = ("name", active_state, "endpoint", "shown_signature", "shown_approval", "created_at")
    list_filter = (StateFilter,)
    search_fields = ("name",)
    search_help_text = "Name"
    fieldsets = (
        (None, {"fields": ("name", active_state, "endpoint", "is_default", "signing_secrets", "created_at")}),
        (
            "Installations",
            {"fields": ("approve_installations", "requests_per_minute"), "classes": ["tab"]},
        ),
        (
            "MindCloud's API",
            {
                "description": "To create end users there, and to mint tokens for their browsers.",
                "fields": ("api_url", "shown_api_key", "api_key"),
                "classes": ["tab"],
            },
        ),
        (
            "Signature profile",
            {
                "description": "MindCloud's document leaves these open. Change one only where its calls are refused.",
                "fields": (
                    "require_signature",
                    "source_networks",
                    "construction",
                    "timestamp_header",
                    "tolerance_seconds",
                    "signed_path",
                    "public_prefix",
                    "lower_case_method",
                    "ids_from_query",
                    "single_use_signatures",
                ),
                "classes": ["tab"],
            },
        ),
    )

    def facts(self, request: HttpRequest, obj: Platform) -> list[Fact]:
        newest = obj.secrets.live().exclude(last_used_at=None).order_by("-last_used_at").first()
        return [
            Fact("Endpoint", self.endpoint(obj)),
            Fact("Signature", self.shown_signature(obj)),
            Fact("New installations", self.shown_approval(obj)),
            Fact("Last signed call", moment(newest.last_used_at if newest else None, NONE_YET)),
            *credentials_fact(request, platform=obj),
            *self._refused(obj).facts(request),
        ]

    def _refused(self, obj: Platform) -> RefusedCalls:
        """Look at its newest calls once for a page, of which several parts speak of them."""
        noted: Any = obj
        if not hasattr(obj, "refused_lately"):
            noted.refused_lately = refused_of(obj)
        found: RefusedCalls = noted.refused_lately
        return found

    def next_steps(self, request: HttpRequest, obj: Platform) -> list[Need]:
        return what_to_do(request, obj, self._refused(obj), SignatureDebugger(self), TestExchange(self))

    def page_links(self, request: HttpRequest, obj: Platform) -> list[dict[str, Any]]:
        new_secret = NewSecret(self.admin_site._registry[SigningSecretSet]).link(request, obj.secrets)
        links = super().page_links(request, obj)
        return [*links, new_secret | {"variant": ActionVariant.DEFAULT}] if new_secret else links

    def needs_operator(self) -> list[Need]:
        return [*self._without_secret(), *unnamed_calls(), *refused_platforms(), *self._unsigned()]

    def next_of_line(self, request: HttpRequest, event: AuditEvent) -> list[Need]:
        """Lead from a refused exchange to the debugger, where the call is kept, and to the platform."""
        refused = event.action == ACTION and event.outcome == AuditEvent.Outcome.REFUSED
        platform = Platform.objects.filter(name=event.actor.partition(":")[2]).first() if refused else None
        if platform is None or not self.has_view_permission(request, platform):
            return []
        steps = [Need(f"Open platform {platform}", link=page_of(platform))]
        debugger, call = SignatureDebugger(self), call_of(platform, event)
        if call is not None and opens(call) and debugger.link(request, platform):
            steps.insert(0, Need("Explain this call", link=f"{debugger.url(platform)}?call={call.pk}"))
        return steps

    def _without_secret(self) -> list[Need]:
        """Find platforms of which every signed call is refused."""
        signed = Platform.objects.filter(is_active=True, require_signature=True)
        live = SigningSecret.objects.live().order_by().values("secret_set")
        return [
            Need(
                f"{platform} has no signing secret: all of its calls are refused",
                link=field_of(platform, "signing_secrets"),
                urgent=True,
            )
            for platform in signed.exclude(secrets__in=live)[:MAX_COUNTED]
        ]

    def _unsigned(self) -> list[Need]:
        rows = Platform.objects.filter(is_active=True, require_signature=False)[:MAX_COUNTED]
        sentence = f"{counted(len(rows), 'platform')} may call unsigned, from its source networks alone"
        mended = field_of(rows[0], "require_signature") if len(rows) == 1 else ""
        return [Need(sentence, link=mended)] if rows else []

    @display(description="Endpoint")
    def endpoint(self, obj: Platform) -> str:
        return endpoint_of(obj) if obj.name else "Known once it is added."

    @display(description="Signature")
    def shown_signature(self, obj: Platform) -> Any:
        if not obj.require_signature:
            return label("unsigned")
        return label("HMAC" if obj.construction == Platform.Construction.HMAC_SHA256 else "SHA-256")

    @display(description="New installations")
    def shown_approval(self, obj: Platform) -> str:
        return "active at once" if obj.approve_installations else "wait for approval"

    @display(description="Present API key")
    def shown_api_key(self, obj: Platform) -> Any:
        return label("set" if obj.sealed_api_key else "not set")

    @display(description="Signing secrets")
    def signing_secrets(self, obj: Platform) -> Any:
        return secrets_table(obj.secrets, obj) if obj.secrets_id else "Made in the next step."

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        assert isinstance(obj, Platform)
        if not change:
            obj.secrets = new_secret_set(obj.name)
        key = form.cleaned_data.get("api_key")
        if key:
            obj.sealed_api_key = seal(key.encode(), obj.api_key_place)
        elif not obj.api_url:
            obj.sealed_api_key = None  # sealed for the address that it had
        super().save_model(request, obj, form, change)
        if change and (key or not obj.api_url):
            obj.save(update_fields=["sealed_api_key"])

    def response_add(self, request: HttpRequest, obj: Platform, post_url_continue: str | None = None) -> HttpResponse:
        """Lead on to its signing secret, without which nothing verifies."""
        if not obj.require_signature:
            return super().response_add(request, obj, post_url_continue)
        self.message_user(request, f"{obj} is added. Its calls need a signing secret:")
        return HttpResponseRedirect(reverse("admin:keys_signingsecretset_new-secret", args=[obj.secrets_id]))


@admin.register(Integration)
class IntegrationAdmin(ConsoleAdmin):
    menu = Menu("Exchange", 22, "extension")
    about = "What end users can install: the shape of the answer, and the policy of its credentials."
    empty_help = "Add one with the integrationId that the platform shows, and the fields that its modal expects."
    needs_proof = True
    object_pages = (EditShape, pages.SuspendIntegration, pages.ResumeIntegration)
    bulk_actions = (pages.SuspendIntegration.bulk(), pages.ResumeIntegration.bulk())
    # What live customers are answered is changed on a page of its own, which says for whom it changes: EditShape.
    fixed_fields = ("platform", "integration_id", "policy", "response_shape")
    protected_fields: ClassVar[Any] = {
        "policy": "credentials.change_credentialpolicy",
        "response_shape": "credentials.change_credentialpolicy",
    }
    names_only = ("response_shape",)
    readonly_fields = (active_state, "answer", "created_at")
    list_display = ("__str__", "integration_id", active_state, "platform", "policy", "created_at")
    list_select_related = ("platform", "policy")
    list_filter = (StateFilter, ("platform", AutocompleteSelectFilter), ("policy", AutocompleteSelectFilter))
    search_fields = ("integration_id", "name")
    search_help_text = "integrationId or name"
    ordering = ("platform__name", "integration_id")
    autocomplete_fields = ("platform", "policy")
    fields = ("platform", "integration_id", active_state, "name", "policy", "response_shape", "created_at")

    def facts(self, request: HttpRequest, obj: Integration) -> list[Fact]:
        return [
            Fact("Platform", link_to(obj.platform)),
            Fact("Policy", link_to(obj.policy)),
            *credentials_fact(request, integration=obj),
        ]

    def get_fields(self, request: HttpRequest, obj: Integration | None = None) -> Any:
        """Show the answer of one that is there as its table."""
        return [{"response_shape": "answer"}.get(name, name) if obj else name for name in self.fields]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Lead from the answer to the page that edits it."""
        page = EditShape(self)
        link = page.link(request, obj) if obj else None
        texts: dict[str, Any] = {"response_shape": ANSWER_HELP}
        if link:
            texts["answer"] = format_html(ANSWER_LINK, link["path"], link["title"])
        elif not page.allowed(request):
            texts["answer"] = "A secrets manager can edit it."
        return super().get_form(request, obj, change=change, **kwargs | {"help_texts": texts})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Ask for the answer of a new one by the table that edits it, or as JSON."""
        found = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "response_shape" and found is not None:
            as_json = "response_shape" in request.POST or request.GET.get("view") == "json"
            found.error_messages["required"] = WANTED
            found = found if as_json else ShapeField(**TABLE, widget=UnseenShapeTable)
            link_other_view(found, as_json=as_json)
        return found

    @display(description="Answer")
    def answer(self, obj: Integration) -> Any:
        return shape_shown(obj.response_shape)

    def tell_apart(self, obj: Integration) -> str:
        return f"{obj.integration_id} · {obj.platform}"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start from a shape that works."""
        return {"response_shape": {"apiKey": "$credential.apiKey"}} | super().get_changeform_initial_data(request)

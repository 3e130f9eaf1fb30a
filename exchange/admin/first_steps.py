"""First steps with an embedded-integration platform: from its name to its first call."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.text import slugify
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from credservice.accounts.proof import ProofForm
from credservice.audit import record
from credservice.audit.models import AuditEvent
from credservice.console.actor import actor_of
from credservice.console.approvals import required
from credservice.console.first_steps import Facts, FirstSteps, Step
from credservice.console.pages import Shown
from credservice.console.widgets import SecretField
from credservice.credentials.models import CredentialPolicy
from credservice.exceptions import Conflict, Invalid
from credservice.issuers.base import is_value_name
from credservice.keys.services import generate_secret
from credservice.statistics.models import Tally
from credservice.statistics.reading import GRANTED
from exchange.administration import grant_credential, new_secret_set
from exchange.models import MAX_ID, EndUser, Grant, Integration, Platform
from exchange.serializers import ExchangeIds
from exchange.simulator import simulate
from exchange.trail import ACTION


def _text(label: str, help_text: str = "", **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, **{"max_length": MAX_ID, "widget": UnfoldAdminTextInputWidget(), **options}
    )


def endpoint_of(platform: Platform) -> str:
    return f"{settings.PUBLIC_URL}/credential-exchange/{platform.name}"


class PlatformForm(forms.Form):
    name = forms.SlugField(
        max_length=64,
        help_text="For you, and in its endpoint's address: such as mindcloud, or mindcloud-staging.",
        error_messages={"invalid": "Write letters, digits and hyphens only, such as mindcloud-staging."},
        widget=UnfoldAdminTextInputWidget(),
    )
    approve_installations = forms.BooleanField(
        label="Answer new installations at once",
        required=False,
        initial=True,
        help_text="Handy for a trial. In production turn it off, which is safer: an installation that calls for the "
        "first time then waits for an operator's approval.",
        widget=UnfoldBooleanSwitchWidget(),
    )


class IntegrationForm(forms.Form):
    ENTERED, MADE = "entered", "made"
    integration_id = _text("integrationId", "As the platform shows it, such as int_abc123.")
    field = _text(
        "Field of the answer", "As in the modal of the platform, such as apiKey.", initial="apiKey", max_length=64
    )
    kind = forms.ChoiceField(
        label="The credential in it",
        choices=[
            (ENTERED, "is one that your product made: I enter each customer's"),
            (MADE, "is an API key that is made here, and that your product asks us to check"),
        ],
        initial=ENTERED,
        widget=UnfoldAdminRadioSelectWidget(),
    )

    def clean_field(self) -> str:
        name: str = self.cleaned_data["field"]
        if not is_value_name(name):
            raise ValidationError("Write the field's name as the modal has it, such as apiKey.")
        return name


class EndUserForm(forms.Form):
    end_user_id = _text("endUserId", "As the platform shows it, such as enduser_456def.")
    external_id = _text("Your own id of this customer", required=False)


class ValueForm(EndUserForm):
    value = SecretField(label="This customer's credential", help_text="Sealed before it is stored.")


class Connect(Step):
    title = "Connect the platform"

    def done(self, obj: Platform) -> str:
        return (
            f"Its endpoint is {endpoint_of(obj)}; its signing secret was shown once, and can be replaced on its page."
        )


class AddIntegration(Step):
    title = "Add an integration"
    intro = (
        "What your customers install on the platform, and what its calls are answered with. To try it without a "
        "platform, make up the ids: int_abc123 here, enduser_456def in the next step."
    )
    permissions = ("exchange.add_integration", "credentials.add_credentialpolicy")
    form_class = IntegrationForm

    def done(self, obj: Platform) -> str:
        found = Integration.objects.filter(platform=obj).order_by("created_at").first()
        return f"{found.integration_id} answers with {', '.join(found.response_shape)}." if found else ""

    def perform(self, request: HttpRequest, obj: Platform, form: forms.Form) -> None:
        field, kind = form.cleaned_data["field"], form.cleaned_data["kind"]
        policy = _policy(field, kind, actor_of(request))
        integration = Integration.objects.create(
            platform=obj,
            integration_id=form.cleaned_data["integration_id"],
            policy=policy,
            response_shape={field: f"$credential.{field}"},
        )
        record(
            action="integration.created",
            actor=actor_of(request),
            object_type="integration",
            object_id=integration.pk,
            detail={"integration": integration.integration_id, "policy": policy.name},
        )


class AddEndUser(Step):
    title = "Add a customer"
    intro = "One to begin with. The vendor API and the import bring the others."
    permissions = ("exchange.add_enduser", "exchange.add_grant")

    def done(self, obj: Platform) -> str:
        grant = Grant.objects.filter(end_user__platform=obj).select_related("end_user").order_by("created_at").first()
        return f"{grant.end_user.end_user_id} has a credential, sealed." if grant else ""

    def make_form(self, obj: Platform, data: Any = None) -> forms.Form:
        integration = _integration(obj)
        return (EndUserForm if integration.policy.backend().generates else ValueForm)(data)

    def perform(self, request: HttpRequest, obj: Platform, form: forms.Form) -> None:
        integration, actor = _integration(obj), actor_of(request)
        ids = {name: form.cleaned_data[name] for name in ("end_user_id", "external_id")}
        end_user, created = EndUser.objects.get_or_create(
            platform=obj, end_user_id=ids["end_user_id"], defaults={"external_id": ids["external_id"]}
        )
        if created:
            record(
                action="end_user.created",
                actor=actor,
                object_type="end_user",
                object_id=end_user.pk,
                subject=end_user.subject,
                detail=ids,
            )
        value = form.cleaned_data.get("value")
        entered = {integration.policy.value_names()[0]: value} if value else None
        grant_credential(integration=integration, end_user=end_user, installation=None, entered=entered, actor=actor)


class FirstCall(Step):
    title = "Wait for the first call"
    intro = (
        "Paste the endpoint and the secret into the platform's modal, turn on request verification there, and run a "
        "workflow. Or make the platform's call yourself: with a signed curl command, good for five minutes."
    )
    submit = "Show a signed call"
    waits = True
    # The command's answer is a credential.
    permissions = ("credentials.reveal_credential",)

    def form_for(self, request: HttpRequest, obj: Platform, data: Any = None) -> forms.Form:
        """As a reveal asks: for five minutes, the signature fetches the credential of any end user of the platform."""
        return ProofForm(request, data)

    def done(self, obj: Platform) -> str:
        actors = [f"platform:{obj.name}", f"unproven:{obj.name}"]
        calls = AuditEvent.objects.filter(action=ACTION, actor__in=actors)
        granted = calls.filter(outcome="granted").order_by("-id").first()
        if granted is None:
            return ""
        return f"A call of {granted.detail.get('end_user')} was answered at {granted.at:%H:%M:%S} UTC. It works."

    def facts(self, obj: Platform) -> Facts:
        refused = AuditEvent.objects.filter(action=ACTION, actor__in=[f"platform:{obj.name}", f"unproven:{obj.name}"])
        last = refused.order_by("-id").first()
        facts = [("Endpoint", endpoint_of(obj))]
        if last is not None:
            why = f"Refused at {last.at:%H:%M:%S} UTC: {last.reason.replace('_', ' ')}. See the signature debugger."
            facts.append(("The last call", why))
        return facts

    def perform(self, request: HttpRequest, obj: Platform, form: forms.Form) -> Facts:
        if required("reveal"):
            raise Conflict("Reveals need a second person here, and this would be one: run a workflow on the platform.")
        secret = obj.secrets.live().first()
        grant = Grant.objects.filter(end_user__platform=obj).select_related("integration", "end_user").first()
        if secret is None or grant is None:
            raise Conflict("The platform has no live signing secret, or nothing is granted on it. Look at its page.")
        ids = ExchangeIds(grant.integration.integration_id, "first-steps", grant.end_user.end_user_id)
        detail = {"hint": secret.hint, "platform": obj.name, "why": "first steps: a signed call was shown"}
        record(
            action="signing_secret.used",
            actor=actor_of(request),
            object_type="signing_secret",
            object_id=secret.pk,
            detail=detail,
        )
        call = simulate(platform=obj, ids=ids, base_url=settings.PUBLIC_URL, secret=secret.open())
        return [("For a terminal", call.curl())]


class PlatformFirstSteps(FirstSteps):
    steps = (Connect(), AddIntegration(), AddEndUser(), FirstCall())
    headline = "Connect an embedded-integration platform"
    intro = (
        "A platform, such as MindCloud, asks this service for a customer's credential whenever it runs a workflow. "
        "Four short steps lead to its first call."
    )
    start_form = PlatformForm

    def is_called(self) -> bool:
        return Tally.objects.filter(series="exchange", name=GRANTED).exists()

    def make(self, request: HttpRequest, form: forms.Form) -> tuple[Platform, Shown]:
        name, actor = form.cleaned_data["name"], actor_of(request)
        if Platform.objects.filter(name=name).exists():
            raise Invalid(f"There is a platform {name} already: write another name, or go on with that one.")
        platform = Platform.objects.create(
            name=name,
            secrets=new_secret_set(name),
            approve_installations=form.cleaned_data["approve_installations"],
            is_default=not Platform.objects.filter(is_default=True).exists(),
        )
        detail = {"name": name, "approve_installations": platform.approve_installations}
        record(action="platform.created", actor=actor, object_type="platform", object_id=platform.pk, detail=detail)
        _, text = generate_secret(secret_set=platform.secrets, actor=actor)
        sentence = (
            "Paste both into the platform's modal; to try it without a platform, just go on. The secret is shown this "
            "once, and can be replaced later."
        )
        values = (("Endpoint", endpoint_of(platform)), ("Signing secret", text))
        return platform, Shown("Connect it", sentence, values, done="Go on")


def _integration(platform: Platform) -> Integration:
    found = Integration.objects.filter(platform=platform).select_related("policy").order_by("created_at").first()
    if found is None:
        raise Conflict("The platform has no integration any more. Begin again.")
    return found


def _policy(field: str, kind: str, actor: str) -> CredentialPolicy:
    """The one of this kind and value name; made where there is none."""
    entered = kind == IntegrationForm.ENTERED
    issuer, options = ("static", {"names": [field]}) if entered else ("api_key", {"name": field})
    name = f"{kind}-{slugify(field) or 'value'}"
    policy, created = CredentialPolicy.objects.get_or_create(name=name, defaults={"issuer": issuer, "options": options})
    if policy.issuer != issuer or policy.value_names() != (field,):
        raise Conflict(f"There is a policy {name} already, of another kind. Write another field.")
    if created:
        record(
            action="credential_policy.created",
            actor=actor,
            object_type="credential_policy",
            object_id=policy.pk,
            detail={"name": name, "issuer": issuer},
        )
    return policy

"""Leads from an embedded-integration platform's name to its first call."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.text import slugify
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from credservice.accounts.proof import ProofForm
from credservice.adminkit.approvals import required
from credservice.adminkit.object_actions import Shown, Values
from credservice.adminkit.widgets import SecretField
from credservice.adminkit.wizard import Facts, FirstSteps, Step
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.core.exceptions import Conflict, Invalid
from credservice.core.names import validate_name
from credservice.credentials.models import CredentialPolicy
from credservice.issuers.options import is_value_name
from credservice.keys.services import generate_secret
from credservice.statistics.models import Tally
from credservice.statistics.reading import GRANTED
from exchange.audit import ACTION
from exchange.models import MAX_ID, EndUser, Grant, Integration, Platform
from exchange.serializers import ExchangeIds
from exchange.services.grants import grant_credential, new_secret_set
from exchange.simulator import simulate


def _text(label: str, help_text: str = "", **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        validators=[validate_name],
        **{"max_length": MAX_ID, "widget": UnfoldAdminTextInputWidget(), **options},
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

    def perform(self, actor: str, obj: Platform, values: Values) -> None:
        field = values["field"]
        policy = _policy(field, values["kind"], actor)
        integration = Integration.objects.create(
            platform=obj,
            integration_id=values["integration_id"],
            policy=policy,
            response_shape={field: f"$credential.{field}"},
        )
        detail = {"integration": integration.integration_id, "policy": policy.name}
        record(Line.about(integration, "integration.created", actor, detail))


class AddEndUser(Step):
    title = "Add a customer"
    intro = "One to begin with. The vendor API and the import bring the others."
    permissions = ("exchange.add_enduser", "exchange.rebind_enduser", "exchange.add_grant")

    def done(self, obj: Platform) -> str:
        grant = Grant.objects.filter(end_user__platform=obj).select_related("end_user").order_by("created_at").first()
        return f"{grant.end_user.end_user_id} has a credential, sealed." if grant else ""

    def make_form(self, request: HttpRequest, obj: Platform, data: Any = None) -> forms.Form:
        integration = _integration(obj)
        return (EndUserForm if integration.policy.backend().generates else ValueForm)(data)

    def perform(self, actor: str, obj: Platform, values: Values) -> None:
        integration = _integration(obj)
        ids = {name: values[name] for name in ("end_user_id", "external_id")}
        end_user, created = EndUser.objects.get_or_create(
            platform=obj, end_user_id=ids["end_user_id"], defaults={"external_id": ids["external_id"]}
        )
        if created:
            record(Line.about(end_user, "end_user.created", actor, ids))
        value = values.get("value")
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

    def make_form(self, request: HttpRequest, obj: Platform, data: Any = None) -> forms.Form:
        """Ask as a reveal does: for five minutes, the signature fetches any credential of the platform's end users."""
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

    def perform(self, actor: str, obj: Platform, values: Values) -> Facts:
        if required("reveal"):
            raise Conflict("Reveals need a second person here, and this would be one: run a workflow on the platform.")
        secret = obj.secrets.live().first()
        grant = Grant.objects.filter(end_user__platform=obj).select_related("integration", "end_user").first()
        if secret is None or grant is None:
            raise Conflict("The platform has no live signing secret, or nothing is granted on it. Look at its page.")
        ids = ExchangeIds(grant.integration.integration_id, "first-steps", grant.end_user.end_user_id)
        detail = {"platform": obj.name, "why": "first steps: a signed call was shown"}
        record(Line.about(secret, "signing_secret.used", actor, detail))
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

    def make(self, actor: str, values: Values) -> tuple[Platform, Shown]:
        name = values["name"]
        if Platform.objects.filter(name=name).exists():
            raise Invalid(f"There is a platform {name} already: write another name, or go on with that one.")
        platform = Platform.objects.create(
            name=name,
            secrets=new_secret_set(name),
            approve_installations=values["approve_installations"],
            is_default=not Platform.objects.filter(is_default=True).exists(),
        )
        detail = {"name": name, "approve_installations": platform.approve_installations}
        record(Line.about(platform, "platform.created", actor, detail))
        _, text = generate_secret(secret_set=platform.secrets, actor=actor)
        sentence = (
            "Paste both into the platform's modal; to try it without a platform, just go on. The secret is shown this "
            "once, and can be replaced later."
        )
        shown = (("Endpoint", endpoint_of(platform)), ("Signing secret", text))
        return platform, Shown("Connect it", sentence, shown, done="Continue")


def _integration(platform: Platform) -> Integration:
    found = Integration.objects.filter(platform=platform).select_related("policy").order_by("created_at").first()
    if found is None:
        raise Conflict("The platform has no integration any more. Begin again.")
    return found


def _policy(field: str, kind: str, actor: str) -> CredentialPolicy:
    """Find the policy of this kind and value name; make it where there is none."""
    entered = kind == IntegrationForm.ENTERED
    issuer, options = ("static", {"names": [field]}) if entered else ("api_key", {"name": field})
    name = f"{kind}-{slugify(field) or 'value'}"
    policy, created = CredentialPolicy.objects.get_or_create(name=name, defaults={"issuer": issuer, "options": options})
    if policy.issuer != issuer or policy.value_names() != (field,):
        raise Conflict(f"There is a policy {name} already, of another kind. Write another field.")
    if created:
        record(Line.about(policy, "credential_policy.created", actor, {"name": name, "issuer": issuer}))
    return policy

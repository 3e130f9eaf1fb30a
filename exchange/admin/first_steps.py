"""Leads from an embedded-integration platform's name to its first call."""

import json
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from credservice.accounts.proof import ProofForm
from credservice.adminkit.approvals import required
from credservice.adminkit.links import page_of
from credservice.adminkit.object_actions import Shown, Values
from credservice.adminkit.sentences import UNPROVEN
from credservice.adminkit.wizard import Facts, FirstSteps, RefusedCall, Step
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.core.exceptions import Conflict
from credservice.keys.services import generate_secret
from credservice.statistics.models import Tally
from credservice.statistics.reading import GRANTED
from exchange.admin.first_steps_forms import EndUserForm, IntegrationForm, PlatformForm
from exchange.admin.shape_table import fits_the_table
from exchange.models import Integration, Platform
from exchange.serializers import ExchangeIds
from exchange.services.dry_run import MASK
from exchange.services.first_steps import (
    add_integration,
    calls_of,
    can_be_answered,
    change_integration,
    first_integration,
    is_answered,
    newest_grant,
    register_customer,
)
from exchange.services.grants import new_secret_set, put_grant
from exchange.shapes import CREDENTIAL, END_USER, as_stored, fill, names_of
from exchange.simulator import simulate


def endpoint_of(platform: Platform) -> str:
    return f"{settings.PUBLIC_URL}/credential-exchange/{platform.name}"


class Connect(Step):
    title = "Connect the platform"

    def done(self, obj: Platform) -> str:
        sentence = (
            "Its endpoint is {}; its signing secret can be replaced from "
            '<a class="text-link" href="{}">its page</a>, and shown again by Reveal.'
        )
        return format_html(sentence, endpoint_of(obj), page_of(obj))


class AddIntegration(Step):
    title = "Add an integration"
    intro = (
        "What your customers install on the platform, and what its calls are answered with. To try it without a "
        "platform, make up the ids: int_abc123 here, enduser_456def in the next step."
    )
    permissions = (
        "exchange.add_integration",
        "exchange.change_integration",
        "credentials.add_credentialpolicy",
        "credentials.change_credentialpolicy",
    )

    def done(self, obj: Platform) -> str:
        found = first_integration(obj)
        return f"{found.integration_id} answers with {', '.join(found.response_shape)}." if found else ""

    def can_reopen(self, obj: Platform) -> bool:
        return not is_answered(obj) and fits_the_table(_integration(obj).response_shape)

    def page(self, obj: Platform) -> str:
        return page_of(_integration(obj))

    def make_form(self, request: HttpRequest, obj: Platform, data: Any = None) -> forms.Form:
        found = first_integration(obj)
        others = Integration.objects.filter(platform=obj)
        if found is None:
            return IntegrationForm(others, data)
        kind = IntegrationForm.MADE if found.policy.backend().generates else IntegrationForm.ENTERED
        now = {"integration_id": found.integration_id, "shape": found.response_shape, "kind": kind}
        return IntegrationForm(others.exclude(pk=found.pk), data, initial=now)

    def preview(self, obj: Platform, form: forms.Form) -> dict[str, str]:
        wrong = form.errors.get("shape") or form.errors.get("kind")
        if wrong:
            return {"problem": " ".join(map(str, wrong))}
        shape = form.cleaned_data["shape"]
        values = dict.fromkeys(names_of(shape, CREDENTIAL), MASK)
        known = dict.fromkeys(names_of(shape, END_USER), "…")
        answer = fill(as_stored(shape), {"credential": values, "end_user": known})
        return {"answer": json.dumps(answer, ensure_ascii=False, indent=2)}

    def perform(self, actor: str, obj: Platform, values: Values) -> None:
        found = first_integration(obj)
        wanted = {
            "integration_id": values["integration_id"],
            "shape": values["shape"],
            "generates": values["kind"] == IntegrationForm.MADE,
            "actor": actor,
        }
        if found is None:
            add_integration(platform=obj, **wanted)
        else:
            change_integration(integration=found, **wanted)


class AddEndUser(Step):
    title = "Add a customer"
    intro = "One to begin with. The vendor API and the import bring the others."
    permissions = (
        "exchange.add_enduser",
        "exchange.rebind_enduser",
        "exchange.add_grant",
        "exchange.withdraw_grant",
        "credentials.change_credentialpolicy",
    )

    def done(self, obj: Platform) -> str:
        grant = newest_grant(obj)
        if grant is None or not (is_answered(obj) or can_be_answered(grant)):
            return ""
        return f"{grant.end_user.end_user_id} has a credential, sealed."

    def can_reopen(self, obj: Platform) -> bool:
        return not is_answered(obj)

    def page(self, obj: Platform) -> str:
        grant = newest_grant(obj)
        return page_of(grant.end_user) if grant else ""

    def make_form(self, request: HttpRequest, obj: Platform, data: Any = None) -> forms.Form:
        grant = newest_grant(obj)
        return EndUserForm(_integration(obj), data, grant.end_user if grant else None)

    def perform(self, actor: str, obj: Platform, values: Values) -> None:
        integration = _integration(obj)
        facts = {name: values[name] for name in ("end_user_id", "external_id", "attributes")}
        end_user = register_customer(platform=obj, **facts, actor=actor)
        put_grant(integration=integration, end_user=end_user, installation=None, values=values["entered"], actor=actor)


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
        granted = calls_of(obj).filter(outcome="granted").first()
        if granted is None:
            return ""
        return f"A call of {granted.detail.get('end_user')} was answered at {granted.at:%H:%M:%S} UTC. It works."

    def facts(self, obj: Platform) -> Facts:
        return [("Endpoint", endpoint_of(obj))]

    def refused_call(self, obj: Platform) -> RefusedCall | None:
        """Lead to the debugger from a signature that does not verify."""
        last = calls_of(obj).first()
        if last is None or last.outcome != AuditEvent.Outcome.REFUSED:
            return None
        if last.actor.startswith(UNPROVEN):
            return RefusedCall.of(
                last, "Signature debugger", reverse("admin:exchange_platform_debugger", args=[obj.pk])
            )
        return RefusedCall.of(last)

    def perform(self, actor: str, obj: Platform, values: Values) -> Facts:
        if required("reveal"):
            raise Conflict("Reveals need a second person here, and this would be one: run a workflow on the platform.")
        secret = obj.secrets.live().first()
        grant = newest_grant(obj)
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
    made_before = "A new signing secret is made on its page."

    def is_called(self) -> bool:
        return Tally.objects.filter(series="exchange", name=GRANTED).exists()

    def make(self, actor: str, values: Values) -> tuple[Platform, Shown]:
        name = values["name"]
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
            "Paste both into the platform's modal; to try it without a platform, just continue. The secret is shown "
            "again only by Reveal, with a reason; it can be replaced later."
        )
        shown = (("Endpoint", endpoint_of(platform)), ("Signing secret", text))
        return platform, Shown("Connect it", sentence, shown, done="Continue")


def _integration(platform: Platform) -> Integration:
    found = first_integration(platform)
    if found is None:
        raise Conflict("The platform has no integration any more. Begin again.")
    return found

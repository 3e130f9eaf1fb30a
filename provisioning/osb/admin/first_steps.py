"""Leads through the first steps with an Open Service Broker platform, from its name to its first binding."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html

from credservice.adminkit.links import page_of
from credservice.adminkit.object_actions import Shown, Values
from credservice.adminkit.wizard import Facts, RefusedCall, Step
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.core.names import NAME_FORM
from provisioning.admin.first_steps import AddProduct, MarketplaceFirstSteps, MarketplaceForm, first_plan
from provisioning.models import Marketplace
from provisioning.osb import PROTOCOL
from provisioning.osb.models import BrokerPassword
from provisioning.osb.passwords import make_password

# A binding's first answer has the line of its making, later ones of their own (provisioning.services.credentials).
HANDED_OUT = ("credential.issued", "credential.handed_out")
_CURL = """\
export PASSWORD=...   # as it was shown
broker={address}/v2
call() {{ curl -s -w '\\n' -u "{name}:$PASSWORD" \\
    -H 'X-Broker-API-Version: 2.17' -H 'Content-Type: application/json' "$@"; }}
call $broker/catalog
call -X PUT $broker/service_instances/first-steps \\
    -d '{{"service_id": "{service}", "plan_id": "{plan}", "organization_guid": "o", "space_guid": "s"}}'
call -X PUT $broker/service_instances/first-steps/service_bindings/first-steps \\
    -d '{{"service_id": "{service}", "plan_id": "{plan}"}}'"""
_CF = """\
cf create-service-broker {name} {name} "$PASSWORD" {address}
cf enable-service-access {product}
cf create-service {product} {label} my-{product}
cf bind-service my-app my-{product}"""


class PlatformForm(MarketplaceForm):
    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        name = self.fields["name"]
        name.help_text = "For you, in its broker URL, and its user name: such as cloudfoundry."
        name.error_messages["invalid"] = f"{NAME_FORM}, such as cloudfoundry-staging."


class Connect(Step):
    title = "Connect the platform"

    def done(self, obj: Marketplace) -> str:
        sentence = (
            "Its broker URL is {}, its user name {}; its password was shown once, and can be replaced on "
            '<a class="text-link" href="{}">its page</a>.'
        )
        return format_html(sentence, obj.protocol.address, obj.name, page_of(obj))


class FirstBinding(Step):
    title = "Wait for the first binding"
    intro = (
        "Register the broker at the platform, and bind an application. Or play the platform yourself, in a terminal: "
        "read the catalogue, make an instance and bind it. The last answer holds the credential."
    )
    submit = "Look again"
    waits = True

    def done(self, obj: Marketplace) -> str:
        first = _lines(obj).filter(action__in=HANDED_OUT).first()
        return f"A binding was answered at {first.at:%H:%M:%S} UTC. It works." if first else ""

    def facts(self, obj: Marketplace) -> Facts:
        plan = first_plan(obj)
        if plan is None:
            return []
        names = {"name": obj.name, "address": obj.protocol.address, "product": plan.product.label, "label": plan.label}
        ids = {"service": plan.product_id, "plan": plan.pk}
        return [("With curl", _CURL.format(**names, **ids)), ("With Cloud Foundry", _CF.format(**names))]

    def refused_call(self, obj: Marketplace) -> RefusedCall | None:
        last = _lines(obj).first()
        return RefusedCall.of(last) if last is not None and last.outcome == AuditEvent.Outcome.REFUSED else None

    def perform(self, actor: str, obj: Marketplace, values: Values) -> None:
        """Nothing: the page looks again."""


class BrokerFirstSteps(MarketplaceFirstSteps):
    slug = "first-steps-osb"
    protocol_name = PROTOCOL
    steps = (Connect(), AddProduct(), FirstBinding())
    headline = "Connect an Open Service Broker platform"
    intro = (
        "A platform, such as Cloud Foundry, reads a catalogue here, orders instances of your product, and binds "
        "applications to them. Three short steps lead to the first binding."
    )
    start_form = PlatformForm
    made_before = "A new password is made on its page."

    def allowed(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the right to make passwords as well: the first is made, and shown, with the marketplace."""
        return super().allowed(request, obj) and request.user.has_perm("osb.add_brokerpassword")

    def is_called(self) -> bool:
        return BrokerPassword.objects.filter(last_used_at__isnull=False).exists()

    def make(self, actor: str, values: Values) -> tuple[Marketplace, Shown]:
        marketplace = Marketplace.objects.create(name=values["name"], protocol_name=PROTOCOL)
        facts = {"name": marketplace.name, "protocol": PROTOCOL}
        record(Line.about(marketplace, "marketplace.created", actor, facts))
        _, password = make_password(marketplace=marketplace, actor=actor, overlap=timedelta(0))
        shown = (("Broker URL", marketplace.protocol.address), ("User", marketplace.name), ("Password", password))
        sentence = "Enter these at the platform. The password is shown this once, and can be replaced later."
        return marketplace, Shown("Connect it", sentence, shown, done="Continue")


def _lines(marketplace: Marketplace) -> Any:
    actors = [f"marketplace:{marketplace.name}", f"unproven:{marketplace.name}"]
    return AuditEvent.objects.filter(actor__in=actors).order_by("-id")

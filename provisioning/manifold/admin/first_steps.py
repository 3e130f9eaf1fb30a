"""Leads through the first steps with a marketplace, from its name to its first signed call."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldBooleanSwitchWidget

from credservice.adminkit.links import page_of
from credservice.adminkit.object_actions import Shown, Values
from credservice.adminkit.widgets import SecretField, text_field
from credservice.adminkit.wizard import Facts, Step
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.core.checkout import COMMAND
from credservice.crypto import seal
from credservice.http.outgoing import check_url
from provisioning.admin.first_steps import (
    AddProduct,
    MarketplaceFirstSteps,
    MarketplaceForm,
    first_plan,
)
from provisioning.manifold import PROTOCOL
from provisioning.manifold.signatures.trusted_keys import trust_key
from provisioning.manifold.signatures.verify import parse_public_key
from provisioning.models import LiveKey, Marketplace, TrustedKey


class ManifoldForm(MarketplaceForm):
    connector_url = text_field(
        "Connector", "Its API that we call: callbacks, single sign-on.", initial="https://api.connector.manifold.co/v1"
    )
    client_id = text_field(
        "OAuth client id", "From the marketplace's dashboard; it can be added later.", required=False
    )
    client_secret = SecretField(label="OAuth client secret", required=False, max_length=1024)

    def clean_connector_url(self) -> str:
        try:
            return check_url(self.cleaned_data["connector_url"])
        except ValueError as error:
            raise ValidationError(f"This {error}.") from None


class KeyForm(forms.Form):
    label = text_field("Label", "To tell it from its successors: such as production-2026.", max_length=128)
    key = text_field(
        "Master public key", "In base64, either alphabet, as the marketplace publishes it.", max_length=100
    )
    is_test = forms.BooleanField(
        label="This is a key for trials",
        required=False,
        help_text="One whose private half somebody here holds, such as check_provider's.",
        widget=UnfoldBooleanSwitchWidget(),
    )

    def clean_key(self) -> str:
        try:
            return parse_public_key(self.cleaned_data["key"])
        except ValueError as error:
            raise ValidationError(f"That is no public key: {error}.") from None


class Connect(Step):
    title = "Connect the marketplace"

    def done(self, obj: Marketplace) -> str:
        return f"The address of this provider, for the marketplace's dashboard, is {settings.PUBLIC_URL}/v1."


class Trust(Step):
    title = "Trust its master key"
    intro = "Whoever holds the private half of this key may order here: take it from the marketplace's own documents."
    permissions = ("provisioning.add_trustedkey",)
    form_class = KeyForm

    def done(self, obj: Marketplace) -> str:
        key = _trusted(obj)
        return f"{key.label} is trusted: {key.public_key}" if key else ""

    def perform(self, actor: str, obj: Marketplace, values: Values) -> None:
        trust_key(marketplace=obj.name, actor=actor, **values)

    def page(self, obj: Marketplace) -> str:
        key = _trusted(obj)
        return page_of(key) if key else ""


def _trusted(marketplace: Marketplace) -> TrustedKey | None:
    return TrustedKey.objects.live().filter(marketplace=marketplace).order_by("created_at").first()


class FirstCall(Step):
    title = "Wait for the first call"
    intro = (
        "Have the marketplace check the product, or check it yourself: the first command makes a master key for trials "
        "and shows how to have it trusted, the second makes every call that is documented."
    )
    submit = "Look again"
    waits = True

    def done(self, obj: Marketplace) -> str:
        first = AuditEvent.objects.filter(actor=f"marketplace:{obj.name}").order_by("-id").first()
        return f"A call was signed and verified at {first.at:%H:%M:%S} UTC. It works." if first else ""

    def facts(self, obj: Marketplace) -> Facts:
        plan = first_plan(obj)
        if plan is None:
            return []
        order = f"--product {plan.product.label} --plan {plan.label} --region {plan.product.regions[0]}"
        command = f"{COMMAND} check_provider {settings.PUBLIC_URL}/v1"
        return [
            ("A key for trials", f"{COMMAND} check_provider --save-key masterkey.json\n"
             f"{COMMAND} trust_key {obj.name} trials --test masterkey.json"),
            ("Every documented call", f"{command} --master-key masterkey.json {order}"),
        ]  # fmt: skip

    def perform(self, actor: str, obj: Marketplace, values: Values) -> None:
        """Nothing: the page looks again."""


class ManifoldFirstSteps(MarketplaceFirstSteps):
    protocol_name = PROTOCOL
    steps = (Connect(), Trust(), AddProduct(), FirstCall())
    headline = "Connect a marketplace"
    intro = (
        "A marketplace orders resources of your product for its customers, and credentials for them, by signed calls. "
        "Four short steps lead to the first."
    )
    start_form = ManifoldForm

    def is_called(self) -> bool:
        return LiveKey.objects.exists()

    def make(self, actor: str, values: Values) -> tuple[Marketplace, Shown]:
        facts = {key: values[key] for key in ("name", "connector_url", "client_id")}
        marketplace = Marketplace(**facts)
        if values["client_secret"]:
            secret = values["client_secret"].encode()
            marketplace.sealed_client_secret = seal(secret, marketplace.client_secret_place)
        marketplace.save(force_insert=True)
        record(Line.about(marketplace, "marketplace.created", actor, facts))
        base = (("Base URL", f"{settings.PUBLIC_URL}/v1"),)
        return marketplace, Shown(
            "Connect it", "Enter this address in the marketplace's dashboard.", base, done="Continue"
        )

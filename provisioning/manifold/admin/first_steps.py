"""Leads through the first steps with a marketplace, from its name to its first signed call."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from credservice.adminkit.object_actions import Shown, Values
from credservice.adminkit.widgets import SecretField
from credservice.adminkit.wizard import Facts, FirstSteps, Step
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.core.checkout import COMMAND
from credservice.core.exceptions import Invalid
from credservice.core.names import validate_name
from credservice.credentials.models import CredentialPolicy
from credservice.crypto import seal
from credservice.http.outgoing import check_url
from provisioning.manifold import PROTOCOL
from provisioning.manifold.signatures.trusted_keys import trust_key
from provisioning.models import LiveKey, Marketplace, Plan, Product, TrustedKey

POLICY = "marketplace-keys"


def _text(label: str, help_text: str = "", **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        validators=[validate_name],
        **{"max_length": 255, "widget": UnfoldAdminTextInputWidget(), **options},
    )


class MarketplaceForm(forms.Form):
    name = forms.SlugField(
        max_length=64,
        help_text="For you: such as manifold.",
        error_messages={"invalid": "Write letters, digits and hyphens only, such as manifold-staging."},
        widget=UnfoldAdminTextInputWidget(),
    )
    connector_url = _text(
        "Connector", "Its API that we call: callbacks, single sign-on.", initial="https://api.connector.manifold.co/v1"
    )
    client_id = _text("OAuth client id", "From the marketplace's dashboard; it can be added later.", required=False)
    client_secret = SecretField(label="OAuth client secret", required=False, max_length=1024)

    def clean_connector_url(self) -> str:
        try:
            return check_url(self.cleaned_data["connector_url"])
        except ValueError as error:
            raise ValidationError(f"This {error}.") from None


class KeyForm(forms.Form):
    label = _text("Label", "To tell it from its successors: such as production-2026.", max_length=128)
    key = _text("Master public key", "In base64, either alphabet, as the marketplace publishes it.", max_length=100)
    is_test = forms.BooleanField(
        label="This is a key for trials",
        required=False,
        help_text="One whose private half somebody here holds, such as check_provider's.",
        widget=UnfoldBooleanSwitchWidget(),
    )


class ProductForm(forms.Form):
    product = _text("Product", "Its label at the marketplace.", max_length=129)
    plan = _text("Plan", "The label of one of its plans; add the others, and features, on the product's page.")
    region = _text("Region", "Such as aws::us-east-1; all::global where it has none.", initial="all::global")


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
        key = TrustedKey.objects.live().filter(marketplace=obj).order_by("created_at").first()
        return f"{key.label} is trusted: {key.public_key}" if key else ""

    def perform(self, actor: str, obj: Marketplace, values: Values) -> None:
        trust_key(marketplace=obj.name, actor=actor, **values)


class AddProduct(Step):
    title = "Add a product"
    intro = "What may be ordered. Its credentials are API keys made here, named API_KEY; its page changes that."
    permissions = ("provisioning.add_product", "provisioning.add_plan", "credentials.add_credentialpolicy")
    form_class = ProductForm

    def done(self, obj: Marketplace) -> str:
        plan = (
            Plan.objects.filter(product__marketplace=obj).select_related("product").order_by("product__label").first()
        )
        return f"{plan.product.label} can be ordered on the plan {plan.label}." if plan else ""

    def perform(self, actor: str, obj: Marketplace, values: Values) -> None:
        policy, _ = CredentialPolicy.objects.get_or_create(
            name=POLICY, defaults={"issuer": "api_key", "options": {"name": "API_KEY"}, "multiple": True}
        )
        product = Product(marketplace=obj, label=values["product"], policy=policy, regions=[values["region"]])
        plan = Plan(product=product, label=values["plan"])
        for row, excluded in ((product, []), (plan, ["product"])):
            _check(row, excluded)
            row.save(force_insert=True)
        detail = {"marketplace": obj.name, **{name: values[name] for name in ("product", "plan", "region")}}
        record(Line.about(product, "product.created", actor, detail))


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
        plan = (
            Plan.objects.filter(product__marketplace=obj).select_related("product").order_by("product__label").first()
        )
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


class MarketplaceFirstSteps(FirstSteps):
    steps = (Connect(), Trust(), AddProduct(), FirstCall())
    headline = "Connect a marketplace"
    intro = (
        "A marketplace orders resources of your product for its customers, and credentials for them, by signed calls. "
        "Four short steps lead to the first."
    )
    start_form = MarketplaceForm

    def refusal(self, obj: Marketplace) -> str:
        return "" if obj.protocol_name == PROTOCOL else "These steps are of another protocol."

    def answer(self, request: HttpRequest, obj: Marketplace) -> HttpResponse:
        if self.refusal(obj):
            raise Http404
        return super().answer(request, obj)

    def begun(self, request: HttpRequest, at_most: int) -> list[tuple[Any, Step]]:
        return [(obj, step) for obj, step in super().begun(request, at_most) if obj.protocol_name == PROTOCOL]

    def is_called(self) -> bool:
        return LiveKey.objects.exists()

    def make(self, actor: str, values: Values) -> tuple[Marketplace, Shown]:
        name = values["name"]
        if Marketplace.objects.filter(name=name).exists():
            raise Invalid(f"There is a marketplace {name} already: write another name, or go on with that one.")
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


def _check(row: Product | Plan, excluded: list[str]) -> None:
    try:
        row.full_clean(exclude=excluded)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None

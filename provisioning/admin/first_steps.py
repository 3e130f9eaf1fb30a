"""Shares what first steps with a marketplace have in common. Those of each protocol are its own, and it adds them."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from credservice.adminkit.links import page_of
from credservice.adminkit.object_actions import Values
from credservice.adminkit.widgets import SlugField, text_field
from credservice.adminkit.wizard import FirstSteps, Step, free_name
from credservice.audit import Line, record
from credservice.core.exceptions import Invalid
from credservice.core.names import NAME_FORM
from credservice.credentials.models import CredentialPolicy
from provisioning.models import Marketplace, Plan, Product

POLICY = "marketplace-keys"


class MarketplaceForm(forms.Form):
    name = SlugField(
        max_length=64,
        help_text="For you: such as manifold.",
        error_messages={"invalid": f"{NAME_FORM}, such as manifold-staging."},
        widget=UnfoldAdminTextInputWidget(),
    )

    def clean_name(self) -> str:
        return free_name(Marketplace, self.cleaned_data["name"])


class ProductForm(forms.Form):
    product = text_field("Product", "Its label at the marketplace.", max_length=129)
    plan = text_field("Plan", "The label of one of its plans; add the others, and features, on the product's page.")
    region = text_field("Region", "Such as aws::us-east-1; all::global where it has none.", initial="all::global")

    def __init__(self, marketplace: Marketplace, data: Any = None) -> None:
        super().__init__(data)
        self.marketplace = marketplace
        if marketplace.protocol.region is None:
            del self.fields["region"]

    def clean_product(self) -> str:
        label: str = self.cleaned_data["product"]
        if Product.objects.filter(marketplace=self.marketplace, label=label).exists():
            raise ValidationError(
                f"There is a product {label} already: write another label, or add a plan to that one."
            )
        return label

    def clean(self) -> dict[str, Any]:
        """Check what is to be made, and tell each fault at the field that has it."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        regions = [data["region"]] if "region" in data else []
        product = Product(marketplace=self.marketplace, label=data.get("product", ""), regions=regions)
        self._check(product, {"label": "product", "regions": "region"}, ["policy"])
        self._check(Plan(product=product, label=data.get("plan", "")), {"label": "plan"}, ["product"])
        return data

    def _check(self, row: Product | Plan, fields: dict[str, str], excluded: list[str]) -> None:
        try:
            row.full_clean(exclude=excluded, validate_constraints=False)
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                field = fields.get(name)
                if field not in self.errors:
                    self.add_error(field, texts)


class AddProduct(Step):
    title = "Add a product"
    intro = "What may be ordered. Its credentials are API keys made here, named API_KEY; its page changes that."
    permissions = ("provisioning.add_product", "provisioning.add_plan", "credentials.add_credentialpolicy")

    def done(self, obj: Marketplace) -> str:
        plan = first_plan(obj)
        return f"{plan.product.label} can be ordered on the plan {plan.label}." if plan else ""

    def page(self, obj: Marketplace) -> str:
        plan = first_plan(obj)
        return page_of(plan.product) if plan else ""

    def make_form(self, request: HttpRequest, obj: Marketplace, data: Any = None) -> forms.Form:
        return ProductForm(obj, data)

    def perform(self, actor: str, obj: Marketplace, values: Values) -> None:
        policy, is_new = CredentialPolicy.objects.get_or_create(
            name=POLICY, defaults={"issuer": "api_key", "options": {"name": "API_KEY"}, "multiple": True}
        )
        if is_new:
            record(Line.about(policy, "credential_policy.created", actor, {"name": POLICY, "issuer": policy.issuer}))
        regions = [values["region"]] if "region" in values else []
        product = Product(marketplace=obj, label=values["product"], policy=policy, regions=regions)
        plan = Plan(product=product, label=values["plan"])
        for row, excluded in ((product, []), (plan, ["product"])):
            _check(row, excluded)
            row.save(force_insert=True)
        record(Line.about(product, "product.created", actor, {"marketplace": obj.name, **values}))


class MarketplaceFirstSteps(FirstSteps):
    protocol_name: ClassVar[str]

    def objects(self, request: HttpRequest) -> QuerySet[Any]:
        return super().objects(request).filter(protocol_name=self.protocol_name)

    def refusal(self, obj: Marketplace) -> str:
        return "" if obj.protocol_name == self.protocol_name else "These steps are of another protocol."

    def answer(self, request: HttpRequest, obj: Marketplace) -> HttpResponse:
        if self.refusal(obj):
            raise Http404
        return super().answer(request, obj)


def first_plan(marketplace: Marketplace) -> Plan | None:
    found = Plan.objects.filter(product__marketplace=marketplace).select_related("product")
    return found.order_by("product__label").first()


def _check(row: Product | Plan, excluded: list[str]) -> None:
    try:
        row.full_clean(exclude=excluded)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None

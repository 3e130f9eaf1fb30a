"""Asks, in the first steps of a platform, for its name, an integration and a customer."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from credservice.adminkit.widgets import SlugField, text_field
from credservice.adminkit.wizard import free_name
from credservice.core.names import NAME_FORM
from credservice.credentials.admin import ValuesForm
from exchange.admin.shape_table import ShapeField
from exchange.models import EndUser, Integration, Platform
from exchange.shapes import CREDENTIAL, END_USER, names_of


class PlatformForm(forms.Form):
    name = SlugField(
        max_length=64,
        help_text="For you, and in its endpoint's address: such as mindcloud, or mindcloud-staging.",
        error_messages={"invalid": f"{NAME_FORM}, such as mindcloud-staging."},
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

    def clean_name(self) -> str:
        return free_name(Platform, self.cleaned_data["name"])


class IntegrationForm(forms.Form):
    ENTERED, MADE = "entered", "made"
    integration_id = text_field("integrationId", "As the platform shows it, such as int_abc123.")
    shape = ShapeField(
        label="Fields of the answer, as the platform's modal expects them",
        help_text="Of a secret, say here what it is called: the next step asks for the secret itself.",
        initial={"apiKey": "$credential.apiKey"},
    )
    kind = forms.ChoiceField(
        label="The secrets in it",
        choices=[
            (ENTERED, "are made by your product: I enter each customer's"),
            (MADE, "are one API key that is made here, and that your product asks us to check"),
        ],
        initial=ENTERED,
        widget=UnfoldAdminRadioSelectWidget(attrs={"data-previewed": ""}),
    )

    def __init__(self, others: QuerySet[Integration], data: Any = None, **kwargs: Any) -> None:
        """``others`` are those of the platform, beside the one that is edited."""
        super().__init__(data, **kwargs)
        self._others = others

    def clean_integration_id(self) -> str:
        wanted: str = self.cleaned_data["integration_id"]
        other = self._others.filter(integration_id=wanted).first()
        if other is not None:
            raise forms.ValidationError(f"The integration {other} of this platform has this already: write another.")
        return wanted

    def clean_shape(self) -> dict[str, str]:
        """Ask for a secret: the policy is made for those that the answer holds."""
        shape: dict[str, str] = self.cleaned_data["shape"]
        if not names_of(shape, CREDENTIAL):
            raise forms.ValidationError("One field at least must hold a secret of the customer.")
        return shape

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("kind") == self.MADE and len(names_of(data.get("shape", {}), CREDENTIAL)) > 1:
            self.add_error("kind", "The API key is one secret. Let one field hold it, or enter the secrets.")
        return data


class EndUserForm(ValuesForm):
    """Asks for a customer: its ids, the values of its credential, and the attributes that the answer needs."""

    field_order = ("end_user_id", "external_id")

    def __init__(self, integration: Integration, data: Any = None, known: EndUser | None = None) -> None:
        super().__init__(integration.policy, data)
        self._platform = integration.platform_id
        for field in self.names:
            self.fields[field].help_text = "A secret of this customer. Sealed before it is stored."
        needed = names_of(integration.response_shape, END_USER)
        has_id = "The answer holds it." if "external_id" in needed else ""
        self.fields["end_user_id"] = text_field("endUserId", "As the platform shows it, such as enduser_456def.")
        self.fields["external_id"] = text_field("Your own id of this customer", has_id, required=bool(has_id))
        self.order_fields(self.field_order)
        # Numbered, as the values are.
        attributes = [name for name in needed if name != "external_id"]
        self.attributes = {f"attribute_{n}": name for n, name in enumerate(attributes)}
        for field, name in self.attributes.items():
            self.fields[field] = text_field(name, "An attribute of this customer that the answer holds.")
        if known is not None:
            self.initial = {"end_user_id": known.end_user_id, "external_id": known.external_id}
            self.initial |= {field: known.attributes.get(name) for field, name in self.attributes.items()}

    def clean(self) -> dict[str, Any]:
        ids = {name: self.cleaned_data.get(name, "") for name in ("end_user_id", "external_id")}
        known = EndUser.objects.filter(platform=self._platform, end_user_id=ids["end_user_id"]).first()
        self.whose = known.subject if known else "", ids["external_id"]
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            data["entered"] = self.entered()
            data["attributes"] = {name: data[field] for field, name in self.attributes.items()}
        return data

"""Shows what a marketplace may order: products, plans and features."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from credservice.adminkit.filters import StateFilter
from credservice.adminkit.labels import active_state, label
from credservice.adminkit.menu import Menu
from credservice.adminkit.model_admin import ConsoleAdmin
from credservice.adminkit.ticks import TickedForm, TickedPage, ask_for_tick
from credservice.credentials.policy_impact import Impact
from provisioning.admin import pages
from provisioning.credential_hooks import bindings_of, foretell_policy, foretell_provisioner, foretell_shape
from provisioning.models import Feature, Plan, Product


class ProductForm(TickedForm):
    """Offers the provisioners that settings name, and the one that is set though they have lost it.

    Asks for a tick where its resources' next credentials are others by another policy, or another shape changes the
    answers about live ones, or another provisioner gets its resources.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "provisioner" in self.fields:
            found = {alias: _named(alias, options) for alias, options in settings.PROVISIONERS.items()}
            lost = {alias: alias for alias in [self.instance.provisioner] if alias and alias not in found}
            self.fields["provisioner"] = forms.ChoiceField(
                choices=[("", "None: a resource is ours alone, and there at once"), *(found | lost).items()],
                required=False,
                widget=UnfoldAdminSelectWidget,
                help_text="The endpoint of yours that provisions its resources, in its own time: one of PROVISIONERS.",
            )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not self.instance._state.adding:
            self._ask_about_credentials(data)
        return data

    def _ask_about_credentials(self, data: dict[str, Any]) -> None:
        now = self.instance
        policy, shape = data.get("policy", now.policy), data.get("credentials_shape", now.credentials_shape)
        policies = foretell_policy(now, policy) if policy != now.policy else []
        impacts: list[Impact] = [*policies]
        if shape != now.credentials_shape:
            impacts.append(foretell_shape(bindings_of(now), shape))
        made = any(impacts)
        provisioner = data.get("provisioner", now.provisioner)
        found = [each for each in (*impacts, foretell_provisioner(now, provisioner)) if each]
        if found and ask_for_tick(
            self,
            label=f"Save it and change {'what is made' if made else 'the provisioner'}",
            told=[sentence for each in found for sentence in each.sentences()],
            how=f"Tell who {'reads these values' if made else 'provisions'} first. Then tick this, and save again.",
            accepts=[
                *(each.change for each in policies),
                *(str(policy.pk), json.dumps(shape, sort_keys=True), provisioner),
            ],
        ):
            counts = {name: count for each in found for name, count in each.counts().items()}
            now.audit_facts = {"accepted_changed_answers": counts}


def _named(alias: str, options: Mapping[str, Any]) -> str:
    """Name a provisioner with its host: the rest of its URL may hold a secret."""
    return f"{alias}: {urlsplit(str(options.get('url'))).hostname}"


@admin.register(Product)
class ProductAdmin(TickedPage, ConsoleAdmin):
    form = ProductForm
    tick_beside = "credentials_shape"
    menu = Menu("Provisioning", 33, "inventory_2")
    about = "What can be ordered, in which regions, and how its credentials are made."
    empty_help = "Add one with the label that the marketplace uses, then its plans and features."
    needs_proof = True
    object_pages = (pages.SuspendOffer, pages.ResumeOffer)
    bulk_actions = (pages.SuspendOffer.bulk(), pages.ResumeOffer.bulk())
    fixed_fields = ("marketplace", "label")
    # Users are led to the dashboard with a token that lets them in: where to is for who sets up marketplaces.
    protected_fields: ClassVar[Any] = {
        "policy": "credentials.change_credentialpolicy",
        "credentials_shape": "credentials.change_credentialpolicy",  # it may name where a secret is to be sent
        "dashboard_url": "provisioning.change_marketplace",
    }
    list_display = ("__str__", "label", active_state, "marketplace", "policy", "shown_regions")
    list_select_related = ("marketplace", "policy")
    list_filter = (StateFilter, ("marketplace", AutocompleteSelectFilter), ("policy", AutocompleteSelectFilter))
    search_fields = ("label", "name")
    search_help_text = "Label or name"
    autocomplete_fields = ("marketplace", "policy")
    fields = (
        "marketplace",
        "label",
        "name",
        "policy",
        "credentials_shape",
        "regions",
        "provisioner",
        "slow_credentials",
        "dashboard_url",
        "description",
        "tags",
        "metadata",
    )

    @display(description="Regions")
    def shown_regions(self, obj: Product) -> str:
        return ", ".join(map(str, obj.regions))


class OfProductForm(forms.ModelForm):  # type: ignore[type-arg]
    """Plans to choose from are those of the same product; there is none to choose before it is known."""

    plans_field = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get(self.plans_field)
        if isinstance(field, forms.ModelMultipleChoiceField):
            plans = Plan.objects.filter(product=self.instance.product_id)
            field.queryset = plans.exclude(pk=self.instance.pk) if isinstance(self.instance, Plan) else plans


class PlanForm(OfProductForm):
    plans_field = "changes_to"


class FeatureForm(OfProductForm):
    plans_field = "plans"


class OfProductAdmin(ConsoleAdmin):
    """Plans and features: of one product, and related to its plans."""

    plans_field = ""
    fixed_fields = ("product", "label")
    list_select_related = ("product__marketplace",)
    search_fields = ("label", "name")
    search_help_text = "Label or name"
    ordering = ("product__label", "label")
    autocomplete_fields = ("product",)

    def tell_apart(self, obj: Any) -> str:
        return f"{obj.product} · {obj.product.marketplace}"

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        return fields if obj else [name for name in fields if name != self.plans_field]

    @display(description="Marketplace")
    def marketplace(self, obj: Any) -> str:
        return str(obj.product.marketplace)


@admin.register(Plan)
class PlanAdmin(OfProductAdmin):
    menu = Menu("Provisioning", 34, "layers")
    about = "The plans of a product, and to which others a resource may change."
    empty_help = "Add a product first, then its plans with the labels that the marketplace uses."
    form = PlanForm
    plans_field = "changes_to"
    object_pages = (pages.SuspendOffer, pages.ResumeOffer)
    bulk_actions = (pages.SuspendOffer.bulk(), pages.ResumeOffer.bulk())
    list_display = ("__str__", "label", active_state, "product", "marketplace", "shown_changes")
    list_filter = (StateFilter, ("product", AutocompleteSelectFilter))
    fields = (
        *("product", "label", "name", "description", "is_free", "metadata", "maintenance_version"),
        *("restricts_changes", "changes_to"),
    )

    @display(description="May change to")
    def shown_changes(self, obj: Plan) -> str:
        return "the plans listed in it" if obj.restricts_changes else "any plan"


@admin.register(Feature)
class FeatureAdmin(OfProductAdmin):
    menu = Menu("Provisioning", 35, "tune")
    about = "Choices that a customer makes with a plan, and measures of use."
    empty_help = "Add a product first, then what a customer may choose, or what is measured."
    form = FeatureForm
    plans_field = "plans"
    list_display = ("__str__", "label", "shown_type", "product", "marketplace", "purpose")
    list_filter = (("product", AutocompleteSelectFilter),)
    fields = ("product", "label", "name", "type", "is_metered", "values", "minimum", "maximum", "plans")

    @display(description="For")
    def purpose(self, obj: Feature) -> str:
        return "measuring use" if obj.is_metered else "choosing"

    @display(description="Type")
    def shown_type(self, obj: Feature) -> Any:
        return label(obj.type)

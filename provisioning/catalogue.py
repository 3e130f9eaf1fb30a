"""Checks that an order fits the catalogue. What does not is refused at once, never later (protocol notes, row 10)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from credservice.core.exceptions import Invalid
from provisioning.models import Feature, Plan, Product
from provisioning.orders import ResourceOrder
from provisioning.refusals import NOT_OFFERED
from provisioning.wording import one_of, quoted


def select(marketplace_id: UUID, order: ResourceOrder) -> Plan:
    """Find the plan, with its product, that a new resource is ordered on. Raises Invalid with what there is."""
    product = _product(marketplace_id, order.product)
    plan = find_plan(product, order.plan)
    if order.region not in (product.regions or [""]):  # of a protocol that knows no regions
        raise Invalid(
            f"{quoted(product.label)} is not offered in {quoted(order.region)}. {one_of(product.regions)}",
            code=NOT_OFFERED,
        )
    check_features(plan, order.features or {})
    return plan


def find_plan(product: Product, label: str) -> Plan:
    """Find an active plan of the product. Raises Invalid with those that there are."""
    plans = {plan.label: plan for plan in product.plans.filter(is_active=True)}
    if label not in plans:
        raise Invalid(
            f"The plan {quoted(label)} does not exist for {quoted(product.label)}. {one_of(plans)}", code=NOT_OFFERED
        )
    plan = plans[label]
    plan.product = product
    return plan


def check_features(plan: Plan, chosen: Mapping[str, Any]) -> None:
    """Raise Invalid for a feature that the plan has not, that is not chosen but measured, or that has a wrong value."""
    if not chosen:
        return
    offered = {feature.label: feature for feature in features_of(plan) if not feature.is_metered}
    for label, value in chosen.items():
        if label not in offered:
            raise Invalid(
                f"The plan {quoted(plan.label)} has no feature {quoted(label)} to choose. {one_of(sorted(offered))}",
                code=NOT_OFFERED,
            )
        check_value(offered[label], value)


def keep_features(plan: Plan, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of the features chosen on another plan those that this plan has as well."""
    kept: dict[str, Any] = {}
    for label, value in chosen.items():
        try:
            check_features(plan, {label: value})
        except Invalid:
            continue
        kept[label] = value
    return kept


def features_of(plan: Plan) -> list[Feature]:
    """List the features that a plan has: those that name it, and those that name no plan."""
    features = Feature.objects.filter(product_id=plan.product_id).prefetch_related("plans")
    return [feature for feature in features if not feature.plans.all() or plan in feature.plans.all()]


def check_value(feature: Feature, value: Any) -> None:
    """Raise Invalid where the feature cannot have this value, with what it can have."""
    name = quoted(feature.label)
    if feature.type == Feature.Type.BOOLEAN and not isinstance(value, bool):
        raise Invalid(f"The feature {name} is true or false.")
    if feature.type == Feature.Type.STRING and value not in feature.values:
        raise Invalid(f"The feature {name} cannot be that. {one_of(map(str, feature.values))}")
    if feature.type == Feature.Type.NUMBER and not _is_within(feature, value):
        raise Invalid(f"The feature {name} is a number{_bounds(feature)}.")


def _product(marketplace_id: UUID, label: str) -> Product:
    products = {product.label: product for product in Product.objects.filter(marketplace_id=marketplace_id)}
    on_offer = [product.label for product in products.values() if product.is_active]
    if label not in products:
        raise Invalid(f"The product {quoted(label)} does not exist. {one_of(on_offer)}", code=NOT_OFFERED)
    if not products[label].is_active:
        raise Invalid(f"The product {quoted(label)} takes no new orders. {one_of(on_offer)}", code=NOT_OFFERED)
    return products[label]


def _is_within(feature: Feature, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    number = Decimal(str(value))
    over = feature.minimum is None or number >= feature.minimum
    return over and (feature.maximum is None or number <= feature.maximum)


def _bounds(feature: Feature) -> str:
    low, high = (f"{bound.normalize():f}" if bound is not None else "" for bound in (feature.minimum, feature.maximum))
    if low and high:
        return f" from {low} to {high}"
    return f" of at least {low}" if low else f" of at most {high}" if high else ""

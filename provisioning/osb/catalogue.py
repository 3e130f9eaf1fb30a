"""Writes the catalogue: products as services, plans with the schemas of their features.

Platforms read it often, and it changes seldom. A process keeps what it has written, by a digest of its rows' versions.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Prefetch

from credservice.vendor_api.etags import etag_of
from provisioning.models import Feature, Plan, Product

_SCHEMA = "http://json-schema.org/draft-07/schema#"


def version_sql(marketplace: str) -> str:
    """Write the SELECT of a digest of the rows that a marketplace's catalogue is written from, as they are now."""
    # A row that is written anew has another xmin, within one transaction another ctid. Nothing is sorted: were they
    # read in another order, the catalogue would only be written once more.
    return f"""
SELECT md5(coalesce(string_agg(product.xmin || ' ' || product.ctid || policy.xmin || policy.ctid || coalesce((
    SELECT string_agg(plan.xmin || ' ' || plan.ctid || (
        SELECT count(*) FROM provisioning_plan_changes_to change WHERE change.from_plan_id = plan.id), ',')
    FROM provisioning_plan plan WHERE plan.product_id = product.id), '') || '/' || coalesce((
    SELECT string_agg(feature.xmin || ' ' || feature.ctid || coalesce((
        SELECT string_agg(chosen.plan_id::text, ' ')
        FROM provisioning_feature_plans chosen WHERE chosen.feature_id = feature.id), ''), ',')
    FROM provisioning_feature feature WHERE feature.product_id = product.id), ''), ';'), ''))
FROM provisioning_product product JOIN credentials_credentialpolicy policy ON policy.id = product.policy_id
WHERE product.marketplace_id = {marketplace}
"""  # noqa: S608 - an expression that the look-up writes


class Written(NamedTuple):
    body: bytes
    etag: str


@lru_cache(maxsize=64)
def written_catalogue(marketplace_id: UUID, version: str) -> Written:
    """Write what :func:`catalogue_of` describes, or give what was written of the same ``version`` of its rows before.

    Read after its version, it may be newer than that, and never older.
    """
    catalogue = catalogue_of(marketplace_id)
    return Written(json.dumps(catalogue).encode(), etag_of(catalogue))


def catalogue_of(marketplace_id: UUID) -> dict[str, Any]:
    """Describe what the marketplace can order now: active products with an active plan, and those plans."""
    products = Product.objects.filter(marketplace_id=marketplace_id, is_active=True).select_related("policy")
    products = products.prefetch_related(
        Prefetch("plans", Plan.objects.prefetch_related("changes_to")),
        Prefetch("features", Feature.objects.filter(is_metered=False).prefetch_related("plans")),
    )
    services = [_service(product, [plan for plan in product.plans.all() if plan.is_active]) for product in products]
    return {"services": [service for service in services if service["plans"]]}


def _service(product: Product, plans: Sequence[Plan]) -> dict[str, Any]:
    return {
        "id": str(product.pk),
        "name": product.label,
        "description": product.description or str(product),
        "tags": product.tags,
        "bindable": product.policy.backend().generates,
        "instances_retrievable": True,
        "bindings_retrievable": True,
        "allow_context_updates": False,
        "plan_updateable": len(plans) > 1,
        "metadata": ({"displayName": product.name} if product.name else {}) | product.metadata,
        "plans": [_plan(product, plan) for plan in plans],
    }


def _plan(product: Product, plan: Plan) -> dict[str, Any]:
    parameters = {"parameters": _parameters(_features(product, plan))}
    shown = {
        "id": str(plan.pk),
        "name": plan.label,
        "description": plan.description or str(plan),
        "free": plan.is_free,
        "bindable": product.policy.backend().generates,
        # A successor lives beside its predecessor until the platform removes that one.
        "binding_rotatable": product.policy.multiple and product.policy.backend().generates,
        "plan_updateable": not plan.restricts_changes or bool(plan.changes_to.all()),
        "metadata": ({"displayName": plan.name} if plan.name else {}) | plan.metadata,
        "schemas": {
            "service_instance": {"create": parameters, "update": parameters},
            "service_binding": {"create": {"parameters": _parameters([])}},
        },
    }
    return shown | ({"maintenance_info": {"version": plan.maintenance_version}} if plan.maintenance_version else {})


def _features(product: Product, plan: Plan) -> list[Feature]:
    return [feature for feature in product.features.all() if not feature.plans.all() or plan in feature.plans.all()]


def _parameters(features: Iterable[Feature]) -> dict[str, Any]:
    return {
        "$schema": _SCHEMA,
        "type": "object",
        "additionalProperties": False,
        "properties": {feature.label: _feature(feature) for feature in features},
    }


def _feature(feature: Feature) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": feature.type} | ({"title": feature.name} if feature.name else {})
    if feature.type == Feature.Type.STRING:
        shown["enum"] = feature.values
    for name, bound in (("minimum", feature.minimum), ("maximum", feature.maximum)):
        if bound is not None:
            shown[name] = _number(bound)
    return shown


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)

"""The part of a set-up file that names marketplaces, the keys trusted for them, and what they may order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from credservice.references import UnreadableReference, read_file
from credservice.setup.change import Change
from credservice.setup.columns import Field, Reference, Secret
from credservice.setup.inline import inline
from credservice.setup.kinds import Choice, Flag, Kind, Moment, Number, Text, Texts
from credservice.setup.plan import Plan
from credservice.setup.problems import BadValue
from credservice.setup.registry import register
from credservice.setup.section import Extra, Row, Section
from credservice.setup.source import Item
from provisioning.models import Feature, LiveKey, Marketplace, Product, TrustedKey
from provisioning.models import Plan as ProductPlan
from provisioning.signing import parse_public_key


class PublicKey(Kind):
    """An Ed25519 public key; no secret, so it may be written out."""

    what = "a public key in base64, or file:PATH of a JSON file with public_key"

    def parse(self, item: Item) -> str:
        text = item.text or ""
        try:
            return parse_public_key(_key_in(read_file(text[5:].strip())) if text.startswith("file:") else text)
        except UnreadableReference as error:
            raise BadValue(str(error)) from None
        except ValueError as error:
            raise BadValue(f"this is no public key ({error}): write {self.what}") from None


def _key_in(content: str) -> str:
    """The public half of a key pair's file. Raises ValueError, which does not quote it."""
    try:
        return str(json.loads(content)["public_key"])
    except (ValueError, KeyError, TypeError):
        raise ValueError("the file is no JSON object with public_key") from None


class PlanLabels(Extra):
    """A list of plans of the same product, kept in a table of its own."""

    def __init__(self, name: str, what: str, *, restricts: bool = False) -> None:
        self.name, self.what, self.restricts = name, what, restricts

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        for row in rows:
            item = row.entry(self.name)
            if item is not None:
                yield from self._compare(plan, row, item)

    def _compare(self, plan: Plan, row: Row, item: Item) -> Iterable[Change]:
        labels = self._read(plan, row, item)
        if labels is BAD:
            return
        old = None if row.is_new else self._current(row.obj)
        if labels != old:
            detail = "" if row.is_new else f"{_shown(old)} -> {_shown(labels)}"
            yield Change("+" if row.is_new else "~", item, detail, self._write(row.obj, labels))

    def _read(self, plan: Plan, row: Row, item: Item) -> Any:
        if self.restricts and item.text == "any":
            return None
        try:
            labels = sorted(set(Texts().read(item)))
        except BadValue:
            plan.refuse(item, f"this is {item.what}: write {self.what}")
            return BAD
        for part in item.items or []:
            if plan.find("plans", row.obj.product, part.text or "") is None:
                plan.refuse(part, f"the product has no plan {part.text}")
        return labels

    def _current(self, obj: Any) -> list[str] | None:
        if self.restricts and not obj.restricts_changes:
            return None
        return sorted(getattr(obj, self.name).values_list("label", flat=True))

    def _write(self, obj: Any, labels: list[str] | None) -> Callable[[], None]:
        def write() -> None:
            if self.restricts:
                obj.restricts_changes = labels is not None
                obj.save(update_fields=["restricts_changes"])
            getattr(obj, self.name).set(ProductPlan.objects.filter(product=obj.product, label__in=labels or []))

        return write

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        found = {obj.pk: self._current(obj) for obj in objects}
        return {pk: labels for pk, labels in found.items() if labels or (self.restricts and labels is not None)}


BAD = object()


def _shown(labels: list[str] | None) -> str:
    return "any" if labels is None else inline(labels)


def _forget_live_keys(row: Row) -> None:
    """What another master key endorsed is endorsed no longer."""
    if "public_key" in row.changed:
        LiveKey.objects.filter(trusted_key=row.obj).delete()


def _check_dependants(plan: Plan) -> None:
    """A product that the file does not name must still suit the marketplace after a change of its policy."""
    changed = plan.changed("policies", "issuer", "options")
    for product in Product.objects.filter(policy__in=changed):
        row = changed[product.policy_id]
        product.policy = row.obj
        try:
            if plan.planned(product.pk) is None:
                product.clean()
        except ValidationError as error:
            plan.refuse(row.item, f"the product {product.label} uses it: {' '.join(error.messages)}")


TRUSTED_KEYS = Section(
    "trusted_keys",
    model=TrustedKey,
    key="label",
    parent="marketplace",
    unique={"public_key": ""},
    fields=(
        Field("key", PublicKey(), "public_key", required=True),
        Field("enabled", Flag(), "is_enabled"),
        Field("test", Flag(), "is_test"),
        Field("ends_at", Moment()),
    ),
    shorthand="key",
    after_change=_forget_live_keys,
)

PRODUCTS = Section(
    "products",
    model=Product,
    key="label",
    parent="marketplace",
    fields=(
        Field("name", Text()),
        Field("active", Flag(), "is_active"),
        Reference("policy", section="policies", required=True),
        Field("regions", Texts(), required=True),
        Field("provisioner", Text("an alias in PROVISIONERS")),
        Field("slow_credentials", Flag()),
        Field("dashboard_url", Text()),
    ),
    sections=(
        Section(
            "plans",
            model=ProductPlan,
            key="label",
            parent="product",
            fields=(Field("name", Text()), Field("active", Flag(), "is_active")),
            extras=(PlanLabels("changes_to", "a list of plans, or any", restricts=True),),
        ),
        Section(
            "features",
            model=Feature,
            key="label",
            parent="product",
            fields=(
                Field("name", Text()),
                Field("type", Choice(lambda: Feature.Type.values), required=True),
                Field("values", Texts()),
                Field("minimum", Number()),
                Field("maximum", Number()),
                Field("metered", Flag(), "is_metered"),
            ),
            extras=(PlanLabels("plans", "a list of plans"),),
        ),
    ),
)

MARKETPLACES = Section(
    "marketplaces",
    model=Marketplace,
    key="name",
    fields=(
        Field("active", Flag(), "is_active"),
        Field("connector_url", Text(), required=True),
        Field("client_id", Text()),
        Secret("client_secret", column="sealed_client_secret", place=lambda obj: obj.client_secret_place),
        Field("rotates", Flag()),
    ),
    sections=(TRUSTED_KEYS, PRODUCTS),
)


def register_sections() -> None:
    register(MARKETPLACES, check=_check_dependants)

"""Declares the part of a set-up file that names marketplaces and what they may order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from credservice.credentials.manifest import told_of
from credservice.credentials.policy_impact import Impact
from credservice.manifest.audit import record_changes
from credservice.manifest.columns import Reference, Secret
from credservice.manifest.document import BadValue, Item
from credservice.manifest.inline import inline
from credservice.manifest.json_values import Facts
from credservice.manifest.kinds import Choice, Flag, Number, Text, Texts
from credservice.manifest.registry import Watch, register
from credservice.manifest.schema import Change, ChangedAnswers, Extra, Field, Plan, Row, Section
from provisioning.credential_hooks import bindings_of, foretell_policy, foretell_provisioner, foretell_shape
from provisioning.models import Feature, Marketplace, Product
from provisioning.models import Plan as ProductPlan
from provisioning.protocols import all_protocols


class PlanLabels(Extra):
    """Reads and writes a list of plans of the same product, kept in a table of its own."""

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
            yield Change("+" if row.is_new else "~", item, detail, self._write(plan, row, old, labels))

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

    def _write(self, plan: Plan, row: Row, old: list[str] | None, labels: list[str] | None) -> Callable[[], None]:
        obj = row.obj

        def write() -> None:
            if self.restricts:
                obj.restricts_changes = labels is not None
                obj.save(update_fields=["restricts_changes"])
            getattr(obj, self.name).set(ProductPlan.objects.filter(product=obj.product, label__in=labels or []))
            if not row.is_new:
                record_changes(plan, row, {self.name: {"from": old, "to": labels}})

        return write

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        found = {obj.pk: self._current(obj) for obj in objects}
        return {pk: labels for pk, labels in found.items() if labels or (self.restricts and labels is not None)}


BAD = object()


def _shown(labels: list[str] | None) -> str:
    return "any" if labels is None else inline(labels)


def _check_dependants(plan: Plan) -> None:
    """Refuse a change of a policy with which a product that the file does not name would not suit the marketplace."""
    changed = plan.changed("policies", "issuer", "options")
    for product in Product.objects.filter(policy__in=changed).select_related("marketplace"):
        row = changed[product.policy_id]
        product.policy = row.obj
        try:
            if plan.planned(product.pk) is None:
                product.clean()
        except ValidationError as error:
            named = f"product {product.label} of {product.marketplace}"
            plan.refuse(row.item, f"{named} uses it: {' '.join(error.messages)}")


def _watch_products(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    """Note policy, shape and provisioner of products that the plan gives another; what is returned compares them."""
    rows = plan.changed("products", "policy", "credentials_shape", "provisioner")
    products = Product.objects.filter(pk__in=rows).select_related("policy", "marketplace")
    before = [(product, bindings_of(product)) for product in products]

    def compare() -> list[ChangedAnswers]:
        found: list[tuple[Row, Impact]] = []
        for each, noted in before:
            row = rows[each.pk]
            if each.policy_id != row.obj.policy_id:
                found += [(row, impact) for impact in foretell_policy(each, row.obj.policy)]
            found.append((row, foretell_shape(noted, row.obj.credentials_shape)))
            found.append((row, foretell_provisioner(each, row.obj.provisioner)))
        return [told_of(row.item, impact) for row, impact in found if impact]

    return compare


def _watch(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    comparisons = [watch(plan) for watch in (_watch_products, *_watches_of_protocols)]
    return lambda: [each for compare in comparisons for each in compare()]


PRODUCTS = Section(
    "products",
    model=Product,
    key="label",
    parent="marketplace",
    fields=(
        Field("name", Text()),
        Field("active", Flag(), "is_active"),
        Reference("policy", section="policies", required=True),
        Field("regions", Texts()),
        Field("provisioner", Text("an alias in PROVISIONERS")),
        Field("slow_credentials", Flag()),
        Field("dashboard_url", Text()),
        Field("description", Text()),
        Field("tags", Texts()),
        Field("metadata", Facts()),
        Field("credentials_shape", Facts()),
    ),
    sections=(
        Section(
            "plans",
            model=ProductPlan,
            key="label",
            parent="product",
            fields=(
                Field("name", Text()),
                Field("active", Flag(), "is_active"),
                Field("description", Text()),
                Field("free", Flag(), "is_free"),
                Field("metadata", Facts()),
                Field("maintenance_version", Text("a version such as 2.1.0")),
            ),
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

_of_protocols: list[Section] = []
_extras_of_protocols: list[Extra] = []


_watches_of_protocols: list[Watch] = []


def add_to_marketplaces(part: Section | Extra, *, watch: Watch | None = None) -> None:
    """Let the entry of a marketplace have a protocol's own part. ``watch``: as of :func:`register`.

    Called before :func:`register_sections`.
    """
    if watch is not None:
        _watches_of_protocols.append(watch)
    if isinstance(part, Section):
        _of_protocols.append(part)
    else:
        _extras_of_protocols.append(part)


def _refuse_keys_of_others(plan: Plan, rows: Sequence[Row]) -> None:
    """Refuse what of a marketplace is set for another protocol than its own."""
    of_all = set[str]().union(*(protocol.settings for protocol in all_protocols()))
    for row in rows:
        protocol = row.obj.protocol
        for name, item in (row.item.entries or {}).items():
            if name in of_all - protocol.settings:
                plan.refuse(item, f"a marketplace of the protocol {protocol.name} has no such key")


def register_sections() -> None:
    marketplaces = Section(
        "marketplaces",
        model=Marketplace,
        key="name",
        fields=(
            Field("active", Flag(), "is_active"),
            Field("protocol", Choice(lambda: (protocol.name for protocol in all_protocols())), "protocol_name"),
            Field("connector_url", Text()),
            Field("client_id", Text()),
            Secret("client_secret", column="sealed_client_secret"),
            Field("rotates", Flag()),
            Field("sign_on_404", Choice(lambda: Marketplace.SignOn404.values)),
        ),
        sections=(*_of_protocols, PRODUCTS),
        extras=_extras_of_protocols,
        check=_refuse_keys_of_others,
    )
    register(marketplaces, check=_check_dependants, watch=_watch)

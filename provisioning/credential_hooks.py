"""Tells the kernel of resources as subjects, and of how many of their credentials a rotation or a policy touches.

Also foretells what another policy or shape of a product means to them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model

from credservice.core.context_templates import sources_of
from credservice.core.ids import find_ours
from credservice.core.names import printable
from credservice.credentials.hooks import Subject
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.policy_impact import (
    MAX_COUNTED,
    PolicyImpact,
    Use,
    Whose,
    counted_up_to,
    foretell_changes,
    names_of,
)
from provisioning.models import Product, Resource, ResourceCredential


def resource_credentials_of(lines: Collection[UUID]) -> dict[str, int]:
    bound = ResourceCredential.objects.filter(credential__line__in=lines, deprovisioned_at__isnull=True)
    return {"marketplace credentials": bound.count()}


def products_with_live_credentials(policy: CredentialPolicy) -> list[Use]:
    """Find the products whose resources have live credentials of a policy, which may be another than theirs now."""
    live = ResourceCredential.objects.filter(deprovisioned_at__isnull=True, credential__policy=policy)
    by_product = defaultdict(list)
    for product, resource in live.values_list("resource__product", "resource")[:MAX_COUNTED]:
        by_product[product].append(resource)
    products = Product.objects.filter(pk__in=by_product).select_related("marketplace") if by_product else ()
    return [
        Use(each, len(set(by_product[each.pk])), "resources", credentials=len(by_product[each.pk])) for each in products
    ]


def products_served(policy: CredentialPolicy) -> list[Use]:
    """Find the products whose live resources get credentials of a policy: the next ones, or successors of live ones."""
    live = ResourceCredential.objects.filter(deprovisioned_at__isnull=True, credential__policy=policy)
    theirs = Resource.objects.exclude(state__in=Resource.GONE).filter(product__policy=policy)
    found = dict(live.values_list("resource", "resource__product")[:MAX_COUNTED])
    counts = Counter((found | dict(theirs.values_list("pk", "product")[:MAX_COUNTED])).values())
    products = Product.objects.select_related("marketplace").in_bulk(counts)
    return [Use(products[pk], count, "resources") for pk, count in counts.most_common()]


def foretell_policy(product: Product, policy: CredentialPolicy) -> list[PolicyImpact]:
    """Foretell what another policy of a product, which is as it is stored, means to its resources' next credentials.

    Those that are live keep theirs, in rotations too.
    """

    def with_live_ones(_: CredentialPolicy) -> list[Use]:
        live = ResourceCredential.objects.filter(deprovisioned_at__isnull=True, resource__product=product)
        resources = list(live.values_list("resource", flat=True)[:MAX_COUNTED])
        return [Use(product, len(set(resources)), "resources", credentials=len(resources))] if resources else []

    def served(_: CredentialPolicy) -> list[Use]:
        number = Resource.objects.exclude(state__in=Resource.GONE).filter(product=product)[:MAX_COUNTED].count()
        return [Use(product, number, "resources")] if number else []

    return foretell_changes(product.policy, policy, Whose(with_live_ones, served, kept_by=product.policy.name))


@dataclass(frozen=True)
class ShapeImpact:
    """Tells how the answers about live credentials would be others at once. False where nobody has one."""

    product: Product
    live: int = 0
    changes: tuple[str, ...] = ()
    lacking: int = 0  # of the live ones, those without a value that the shape asks for

    def __bool__(self) -> bool:
        return bool(self.live and self.changes)

    def sentences(self, sees: Callable[[Model], bool] = lambda obj: True) -> list[str]:
        """Say it, by the fields of the answer; never what stands in them."""
        whose = f" of product {self.product}" if sees(self.product) else ""
        are = "is" if self.live == 1 else "are"
        told = [
            f"{counted_up_to(self.live, self.live, 'live bindings')}{whose} {are} answered otherwise at once: to a "
            "GET, and to the same PUT again.",
            *self.changes,
        ]
        if self.lacking:
            lack = "lacks" if self.lacking == 1 else "lack"
            told.append(f"{self.lacking} of them {lack} a value that is asked for, and would get no answer.")
        return [printable(each) for each in told]

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        return {"bindings_in_another_shape": self.live, "bindings_without_answer": self.lacking}


@dataclass(frozen=True)
class Bindings:
    """Holds what a product's shape is filled with of its live credentials, at one time."""

    product: Product
    shape: Mapping[str, Any]
    names: tuple[str, ...]  # of the values that its policy makes
    live: Mapping[tuple[str, ...], int]  # how many, by the names of their values


@dataclass(frozen=True)
class ProvisionerImpact:
    """Tells how many resources another provisioner of their product gets, which it did not provision."""

    product: Product
    after: str = ""
    resources: int = 0

    def __bool__(self) -> bool:
        return bool(self.resources)

    def sentences(self, sees: Callable[[Model], bool] = lambda obj: True) -> list[str]:
        """Say it."""
        whose = f" of product {self.product}" if sees(self.product) else ""
        are = "is" if self.resources == 1 else "are"
        no_longer = f", and no longer to {self.product.provisioner}" if self.product.provisioner else ""
        told = f"{counted_up_to(self.resources, self.resources, 'resources')}{whose} {are} there."
        then = f"Changes of plan and ends are told to {self.after or 'no endpoint'} from now on{no_longer}."
        return [printable(told), printable(then)]

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        return {"resources_of_another_provisioner": self.resources}


def foretell_provisioner(product: Product, after: str) -> ProvisionerImpact:
    """Foretell what another provisioner means to the resources that there are."""
    if product.provisioner == after:
        return ProvisionerImpact(product)
    there = Resource.objects.filter(product=product).exclude(state__in=Resource.GONE)
    return ProvisionerImpact(product, after, len(there.values_list("pk")[:MAX_COUNTED]))


def bindings_of(product: Product) -> Bindings:
    """Note the live credentials of a product, which is as it is stored; none where no shape is asked for."""
    names = names_of(product.policy) or ()
    live: Counter[tuple[str, ...]] = Counter()
    if product.marketplace.protocol.shapes_credentials:
        rows = ResourceCredential.objects.filter(deprovisioned_at__isnull=True, resource__product=product)
        by_policy = Counter(rows.values_list("credential__policy", flat=True)[:MAX_COUNTED])
        for policy in CredentialPolicy.objects.filter(pk__in=by_policy):
            live[names_of(policy) or ()] += by_policy[policy.pk]
    return Bindings(product, product.credentials_shape, names, live)


def foretell_shape(before: Bindings, shape: Mapping[str, Any]) -> ShapeImpact:
    """Compare what the live ones are answered with what they would be in another shape.

    The names of their values are those of the policies that made them.
    """
    if before.shape == shape:
        return ShapeImpact(before.product)
    old, new = (dict(_fields(each or {name: f"${name}" for name in before.names})) for each in (before.shape, shape))
    changes = (
        *(f"{name} is no longer sent." for name in old if name not in new),
        *(f"{name} is new." for name in new if name not in old),
        *(f"{name} is another." for name in new if name in old and old[name] != new[name]),
    )
    asked = {source[1:] for source in sources_of(shape)}
    lacking = sum(count for names, count in before.live.items() if not asked <= {*names})
    return ShapeImpact(before.product, sum(before.live.values()), changes, lacking)


def _fields(shape: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each field of a shape by its path, such as ``login.password``."""
    for name, value in shape.items():
        if isinstance(value, Mapping) and value:
            yield from _fields(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def resource_subject(key: str) -> Subject | None:
    """For ``credservice.credentials.hooks``: a resource by our id, locked against a suspension meanwhile."""
    rows = Resource.objects.select_for_update(of=("self",), no_key=True).select_related("product", "plan")
    resource = find_ours(rows.exclude(state__in=Resource.GONE), key)
    if resource is None:
        return None
    context = {
        "resource": resource.partner_id,
        "product": resource.product.label,
        "plan": resource.plan.label,
        "region": resource.region,
        "features": resource.features,
    }
    return Subject(suspended=resource.state == Resource.State.SUSPENDED, context=context)

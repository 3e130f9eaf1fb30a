"""Tells the kernel of resources as subjects, and of how many of their credentials a rotation or a policy touches."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from uuid import UUID

from credservice.core.ids import find_ours
from credservice.credentials.hooks import Subject
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.policy_impact import MAX_COUNTED, NamesImpact, Use, names_change, names_of
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
    return [Use(each, len(by_product[each.pk]), len(set(by_product[each.pk]))) for each in products]


def foretell_policy(product: Product, before: Iterable[str] | None, policy: CredentialPolicy) -> NamesImpact:
    """Foretell what another policy of a product means to its resources' next credentials.

    Those that are live keep theirs, in rotations too. ``before`` is what the product's own makes: see ``names_of``.
    """
    after = names_of(policy)
    change = names_change(before, after) if before is not None and after is not None else ""
    live = ResourceCredential.objects.filter(deprovisioned_at__isnull=True, resource__product=product)
    resources = list(live.values_list("resource", flat=True)[:MAX_COUNTED]) if change else []
    uses = [Use(product, len(resources), len(set(resources)))] if resources else []
    return NamesImpact(change, uses, stays=False)


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

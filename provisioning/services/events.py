"""Emits the events about resources (docs/events.md), each in the transaction of what happened."""

from credservice.events.emit import emit, is_wanted
from provisioning.models import Marketplace, Plan, Product, Resource


def provisioned(resource: Resource) -> None:
    tell("resource.provisioned", resource)


def changed(resource: Resource) -> None:
    """Tell of another plan, or other features."""
    tell("resource.changed", resource)


def deprovisioned(resource: Resource) -> None:
    tell("resource.deprovisioned", resource)


def tell(type_: str, resource: Resource) -> None:
    if not is_wanted(type_):
        return
    emit(
        type_,
        object_type="resource",
        object_id=resource.pk,
        subject=resource.subject,
        state=str(resource.state),
        marketplace=resource.marketplace.name,
        resource=resource.partner_id,
        product=resource.product.label,
        plan=resource.plan.label,
        region=resource.region,
    )


def tell_examples() -> None:
    """Tell of a made-up resource's life: see :mod:`credservice.events.examples`."""
    resource = Resource(
        marketplace=Marketplace(name="manifold"),
        product=Product(label="bear"),
        plan=Plan(label="ursa-minor"),
        region="all::global",
        partner_id="268a3d1m0tqgp4vkzuqqkkyanbuwq",
        state=Resource.State.ACTIVE,
    )
    provisioned(resource)
    resource.plan = Plan(label="ursa-major")
    changed(resource)
    resource.state = Resource.State.DEPROVISIONED
    deprovisioned(resource)

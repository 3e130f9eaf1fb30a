"""Emits the events about resources (docs/events.md), each in the transaction of what happened."""

from credservice.events.emit import emit, is_wanted
from provisioning.models import Resource


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

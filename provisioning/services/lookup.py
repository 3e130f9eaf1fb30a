"""Finding a marketplace's resource."""

from credservice.exceptions import NotFound
from provisioning.live_keys import Caller
from provisioning.models import Resource


def find_resource(caller: Caller, resource_id: str, *, lock: bool = False) -> Resource:
    """The caller's resource, with product and plan. Raises NotFound where there is none, or none any more."""
    resources = Resource.objects.select_related("product", "plan")
    if lock:
        # Not against the credentials that refer to it: those only need that it stays.
        resources = resources.select_for_update(of=("self",), no_key=True)
    resource = resources.filter(marketplace_id=caller.marketplace_id, partner_id=resource_id).first()
    if resource is None or resource.state in Resource.GONE:
        raise no_such_resource()
    return resource


def no_such_resource() -> NotFound:
    return NotFound("There is no such resource. It was never provisioned here, or it has been removed.")

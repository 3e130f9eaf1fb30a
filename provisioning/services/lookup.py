"""Finds a marketplace's resource."""

from django.db import connection

from credservice.core.exceptions import NotFound
from provisioning.caller import Caller
from provisioning.models import Resource


def find_resource(caller: Caller, resource_id: str, *, lock: bool = False) -> Resource:
    """Find the caller's resource, with product and plan. Raises NotFound where there is none, or none any more."""
    resources = Resource.objects.select_related("product", "plan")
    if lock:
        # Not against the credentials that refer to it: those only need that it stays.
        resources = resources.select_for_update(of=("self",), no_key=True)
    resource = resources.filter(marketplace_id=caller.marketplace_id, partner_id=resource_id).first()
    if resource is None or resource.state in Resource.GONE:
        raise no_such_resource()
    return resource


def hold_id(resource_id: str) -> None:
    """Wait for whoever makes or seeks a resource of this id, and have others wait until the transaction ends.

    So of two marketplaces that order one id at once, the second finds the first one's; and a removal that overtakes
    its provision finds what that makes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"credservice resource {resource_id}"])


def no_such_resource() -> NotFound:
    return NotFound("There is no such resource. It was never provisioned here, or it has been removed.")


def no_such_credential() -> NotFound:
    return NotFound("There is no such credential. It was never created here, or it has been removed.")

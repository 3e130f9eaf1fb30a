"""From the code in a link to a user who may see a resource (Provider API, "Accessing your dashboard")."""

import re
from dataclasses import dataclass, field

from credservice.exceptions import Unauthenticated
from provisioning.models import ID_LENGTH, Resource
from provisioning.sso import marketplace as connector
from provisioning.sso.marketplace import Failed, Granted, Person, Refused

# The document's codes have 13 characters; RFC 6749, appendix A.11, allows these.
_CODE = re.compile(r"[\x21-\x7e]{1,255}")
_ID = re.compile(rf"[0-9abcdefghjkmnpqrtuvwxyz]{{{ID_LENGTH}}}")


@dataclass(frozen=True)
class SignedOn:
    """A user of whom the marketplace says that they may see the resource, now."""

    resource: Resource
    person: Person = field(repr=False)
    granted: Granted

    @property
    def actor(self) -> str:
        return actor_of(self.resource, self.person.id)


def actor_of(resource: Resource, user: str) -> str:
    """A marketplace's user as the trail names them."""
    return f"marketplace_user:{resource.marketplace.name}:{user or 'unknown'}"


def sign_on(*, codes: list[str], resource_ids: list[str]) -> SignedOn:
    """Exchange the code, and have the marketplace say that its user may see this resource.

    Both as they stand in the query, where each may stand once. Raises Unauthenticated, with the reason for the trail.
    """
    if len(codes) != 1 or len(resource_ids) != 1 or not _CODE.fullmatch(codes[0]) or not is_id(resource_ids[0]):
        raise Unauthenticated("malformed_link")
    resource = find_resource(resource_ids[0])
    marketplace = resource.marketplace
    if not marketplace.client_id or marketplace.sealed_client_secret is None:
        raise Unauthenticated("no_oauth_client")
    try:
        granted = connector.exchange(marketplace, codes[0])
    except Refused:
        raise Unauthenticated("code_refused") from None
    except Failed:
        raise Unauthenticated("connector_failed") from None
    # "A malicious user could tamper with the resource_id": the token's own rights decide.
    check_access(resource, granted.token)
    return SignedOn(resource, connector.who(marketplace, granted.token), granted)


def check_access(resource: Resource, token: str) -> None:
    """Ask the marketplace whether the token's user may see the resource now. Raises Unauthenticated."""
    try:
        connector.check_access(resource.marketplace, token, resource.partner_id)
    except Refused:
        raise Unauthenticated("access_refused") from None
    except Failed:
        raise Unauthenticated("connector_failed") from None


def find_resource(resource_id: str) -> Resource:
    """The resource that has this id, with what its page shows. Raises Unauthenticated.

    The link does not say which marketplace it is from, and a code goes to its own marketplace only: where two
    marketplaces have the same id, neither gets it.
    """
    found = list(Resource.objects.select_related("marketplace", "product", "plan").filter(partner_id=resource_id)[:2])
    if len(found) > 1:
        raise Unauthenticated("ambiguous_resource")
    if not found:
        raise Unauthenticated("unknown_resource")
    if found[0].state in Resource.GONE:
        raise Unauthenticated("removed_resource")
    if not found[0].marketplace.is_active:
        raise Unauthenticated("suspended_marketplace")
    return found[0]


def is_id(text: str) -> bool:
    """Whether it has the form of the marketplace's ids."""
    return _ID.fullmatch(text) is not None

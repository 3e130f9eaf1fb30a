"""Names a user whom a marketplace lets in to see a resource, whatever the protocol by which it says so."""

from dataclasses import dataclass, field

from provisioning.models import Resource
from provisioning.protocols import Person


@dataclass(frozen=True)
class Granted:
    """An access token of a user, and for how many seconds it is good where the marketplace says so."""

    token: str = field(repr=False)
    seconds: int | None


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
    """Name a marketplace's user as the trail does."""
    return f"marketplace_user:{resource.marketplace.name}:{user or 'unknown'}"

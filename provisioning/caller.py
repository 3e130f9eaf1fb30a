"""Names the marketplace on whose behalf a service acts, whatever its protocol."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Caller:
    """A marketplace that made a request; ``protocol`` is the registered name of the one that it speaks."""

    marketplace_id: UUID
    marketplace: str
    protocol: str

    @property
    def actor(self) -> str:
        return f"marketplace:{self.marketplace}"

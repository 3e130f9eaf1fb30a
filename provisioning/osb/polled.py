"""Has the outcome of slow work asked for: the platform that takes a 202 polls the last operation."""

from dataclasses import dataclass

from credservice.core.exceptions import Invalid
from provisioning.models import Operation
from provisioning.osb.refusals import ASYNC_REQUIRED
from provisioning.services.deferred import ReplyTo


@dataclass(frozen=True)
class Polled(ReplyTo):
    """``accepts_incomplete`` of a request."""

    accepts_incomplete: bool

    @property
    def is_given(self) -> bool:
        return self.accepts_incomplete

    def attach(self, operation: Operation) -> None:
        """Nothing is kept of who asks: the outcome stays readable for all who do."""
        if not self.accepts_incomplete:
            raise Invalid(
                "This takes longer than a request may. Send accepts_incomplete=true, and poll.", code=ASYNC_REQUIRED
            )

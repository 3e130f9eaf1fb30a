"""Holds what the views of every protocol share: who calls, and the line in the trail of what is refused."""

from rest_framework import status

from credservice.audit import Line, record_refusal
from credservice.core.exceptions import ServiceError, Unauthenticated
from credservice.http.views import DoorView
from provisioning.caller import Caller


class MarketplaceView(DoorView):
    """Called by a marketplace, which its protocol's ``perform_authentication`` finds.

    ``acts_on`` names the kind of object for the trail, ``path_ids`` the parts of the path that name one, the inner
    one first.
    """

    acts_on = ""
    path_ids: tuple[str, ...] = ()
    caller: Caller

    def record_refusal(self, refusal: ServiceError) -> None:
        # A wrong method is nobody's act, and an error of ours is in the log.
        if refusal.status == status.HTTP_405_METHOD_NOT_ALLOWED or refusal.status >= 500:
            return
        caller: Caller | None = getattr(self, "caller", None)
        record_refusal(
            Line(
                f"{self.acts_on}.{(self.request.method or '').lower()}",
                caller.actor if caller else "anonymous",
                reason=refusal.reason if isinstance(refusal, Unauthenticated) else refusal.code,
                object_type=self.acts_on,
                object_id=next((self.kwargs[name] for name in self.path_ids if self.kwargs.get(name)), ""),
            )
        )

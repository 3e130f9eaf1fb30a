"""Holds what the views of every protocol share: who calls, and the line in the trail of what is refused."""

from typing import Any

from rest_framework import status
from rest_framework.request import Request

from credservice.audit import Line, record_refusal
from credservice.core.exceptions import ServiceError, Unauthenticated
from credservice.http.views import DoorView
from credservice.statistics import counters
from provisioning.caller import Caller


class MarketplaceView(DoorView):
    """Called by a marketplace, which its protocol's ``perform_authentication`` finds.

    ``acts_on`` names the kind of object for the trail, ``path_ids`` the parts of the path that name one, the inner
    one first. ``unproven`` is the marketplace that a call claimed to be, where there is one of that name.
    """

    acts_on = ""
    path_ids: tuple[str, ...] = ()
    caller: Caller
    unproven = ""

    def record_refusal(self, refusal: ServiceError) -> None:
        # A wrong method is nobody's act, and an error of ours is in the log.
        if refusal.status == status.HTTP_405_METHOD_NOT_ALLOWED or refusal.status >= 500:
            return
        record_refusal(
            Line(
                f"{self.acts_on}.{(self.request.method or '').lower()}",
                self._actor(),
                reason=refusal.reason if isinstance(refusal, Unauthenticated) else refusal.code,
                object_type=self.acts_on,
                object_id=next((self.kwargs[name] for name in self.path_ids if self.kwargs.get(name)), ""),
            )
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        caller: Caller | None = getattr(self, "caller", None)
        if name := caller.marketplace if caller else self.unproven:
            counters.count("marketplace.answered" if response.status_code < 400 else "marketplace.refused", name)
        return response

    def _actor(self) -> str:
        caller: Caller | None = getattr(self, "caller", None)
        if caller:
            return caller.actor
        return f"unproven:{self.unproven}" if self.unproven else "anonymous"

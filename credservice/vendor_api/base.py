"""What every route of the vendor API has: a service token with the scope for it, a limit, problem documents."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.audit import record_refusal
from credservice.exceptions import Forbidden, NotFound, ServiceError, Unauthenticated
from credservice.http.context import current_context
from credservice.http.views import DoorView
from credservice.limits.counter import count_call
from credservice.vendor_api.models import Scope, ServiceToken
from credservice.vendor_api.tokens import authenticate


@dataclass(frozen=True)
class Caller:
    """Who calls, as the trail names it."""

    token: ServiceToken

    @property
    def actor(self) -> str:
        return f"token:{self.token.name}"


class BearerToken(BaseAuthentication):
    """``Authorization: Bearer cst_...`` (RFC 6750)."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise Unauthenticated("no_token")
        return None, Caller(authenticate(text.strip(), current_context().network_source))


class VendorView(DoorView):
    """A route of the vendor API. Errors are problem documents (RFC 9457)."""

    scope: ClassVar[Scope]
    authentication_classes = [BearerToken]

    @property
    def caller(self) -> Caller:
        caller = self.request.auth
        assert isinstance(caller, Caller)
        return caller

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        token = self.caller.token
        count_call(f"token:{token.pk}", token.requests_per_minute)
        _ = request._request.body  # of forms, DRF reads as much as is sent; this refuses a long one with 413
        if self.scope not in token.scopes:
            raise Forbidden(f"This token lacks the scope {self.scope.value}.", code="missing_scope")

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, Unauthenticated):
            record_refusal(action="vendor_api.call", actor="vendor_api", reason=error.reason)
        response = super().handle_exception(error)
        response.content_type = "application/problem+json"
        if response.status_code == 401:
            response["WWW-Authenticate"] = 'Bearer realm="credservice"'
        return response

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return {
            "type": f"urn:credservice:problem:{error.code}",
            "title": error.code.replace("_", " ").capitalize(),
            "status": error.status,
            "detail": error.message,
        }


class UnknownRoute(VendorView):
    """404 as a problem document, also without a token: it tells nothing."""

    authentication_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is no such route.")

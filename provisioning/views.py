"""The provider API (manifold-provider-api.yaml). What takes long is answered with 202, and later by callback."""

from datetime import datetime
from typing import Any, cast

from django.http import QueryDict
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.audit import record_refusal
from credservice.exceptions import Invalid, ServiceError, Unauthenticated
from credservice.http import views as kernel
from credservice.http.context import note
from credservice.http.errors import as_service_error
from provisioning import services
from provisioning.authentication import MarketplaceAuthentication
from provisioning.live_keys import Caller
from provisioning.rfc3339 import parse_rfc3339
from provisioning.sentences import message
from provisioning.serializers import checked_id, credential_order, plan_order, resource_order
from provisioning.services import Accepted, CallbackTo


class ProviderView(kernel.DoorView):
    """Signed by a marketplace; every error is ``{"message": ...}``, and those of 4xx are in the trail."""

    authentication_classes = [MarketplaceAuthentication]
    acts_on = ""
    caller: Caller

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        self.caller = cast(Caller, request.auth)

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return message(error.message)

    def handle_exception(self, exc: Exception) -> Response:
        self._record_refusal(as_service_error(exc))
        return super().handle_exception(exc)

    @property
    def callback(self) -> CallbackTo | None:
        """Where the request wants the outcome of slow work; under its signature where it was sent."""
        to = CallbackTo(*(self.request.META.get(f"HTTP_X_CALLBACK_{part}", "") for part in ("ID", "URL")))
        return to if to.id or to.url else None

    def _record_refusal(self, refusal: ServiceError) -> None:
        caller: Caller | None = getattr(self, "caller", None)
        # A wrong method is nobody's act, and an error of ours is in the log.
        if refusal.status == status.HTTP_405_METHOD_NOT_ALLOWED or refusal.status >= 500:
            return
        record_refusal(
            action=f"{self.acts_on}.{(self.request.method or '').lower()}",
            actor=caller.actor if caller else "anonymous",
            reason=refusal.reason if isinstance(refusal, Unauthenticated) else refusal.code,
            object_type=self.acts_on,
            object_id=self.kwargs["partner_id"],
        )


class ResourceView(ProviderView):
    acts_on = "resource"

    def put(self, request: Request, partner_id: str) -> Response:
        order = resource_order(_body(request), checked_id(partner_id, "resource"))
        note(resource=partner_id)
        resource = services.provision_resource(
            caller=self.caller, resource_id=partner_id, order=order, callback=self.callback
        )
        if isinstance(resource, Accepted):
            return _later(resource)
        return Response(message(f"{resource.product} is ready, on the plan {resource.plan}."), status.HTTP_201_CREATED)

    def patch(self, request: Request, partner_id: str) -> Response:
        order = plan_order(_body(request))
        checked_id(partner_id, "resource")
        note(resource=partner_id)
        outcome = services.change_plan(caller=self.caller, resource_id=partner_id, order=order, callback=self.callback)
        if isinstance(outcome, Accepted):
            return _later(outcome)
        resource, changed = outcome
        return Response(
            message(f"{resource.product} is {'now' if changed else 'already'} on the plan {resource.plan}.")
        )

    def delete(self, request: Request, partner_id: str) -> Response:
        checked_id(partner_id, "resource")
        note(resource=partner_id)
        later = services.deprovision_resource(caller=self.caller, resource_id=partner_id, callback=self.callback)
        return _later(later) if later else Response(status=status.HTTP_204_NO_CONTENT)


class MeasuresView(ProviderView):
    acts_on = "measures"

    def get(self, request: Request, partner_id: str) -> Response:
        period = {name: _moment(request.query_params, name) for name in ("period_start", "period_end")}
        start, end = (moment for _, moment in period.values())
        if end <= start:
            raise Invalid("The period ends before it starts. Exchange period_start and period_end.")
        checked_id(partner_id, "resource")
        measures = services.measure(caller=self.caller, resource_id=partner_id, start=start, end=end)
        if measures is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        echo = {name: text for name, (text, _) in period.items()}
        return Response({"resource_id": partner_id, **echo, "measures": measures})


class CredentialView(ProviderView):
    acts_on = "resource_credential"

    def put(self, request: Request, partner_id: str) -> Response:
        resource_id = credential_order(_body(request), checked_id(partner_id, "credential"))
        note(credential=partner_id, resource=resource_id)
        values = services.provision_credential(
            caller=self.caller, credential_id=partner_id, resource_id=resource_id, callback=self.callback
        )
        if isinstance(values, Accepted):
            return _later(values)
        return Response(message("The credential is ready to use.") | {"credentials": values}, status.HTTP_201_CREATED)

    def delete(self, request: Request, partner_id: str) -> Response:
        checked_id(partner_id, "credential")
        note(credential=partner_id)
        later = services.deprovision_credential(caller=self.caller, credential_id=partner_id, callback=self.callback)
        return _later(later) if later else Response(status=status.HTTP_204_NO_CONTENT)


class UnknownPath(kernel.UnknownPath):
    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return message(error.message)


def _later(accepted: Accepted) -> Response:
    return Response(message(accepted.message), status.HTTP_202_ACCEPTED)


def _body(request: Request) -> dict[str, Any]:
    return cast(dict[str, Any], request.data)  # StrictJSONParser makes nothing else


def _moment(query: QueryDict, name: str) -> tuple[str, datetime]:
    """A point in time in the query, as it was sent and as it is. Raises Invalid."""
    try:
        (text,) = query.getlist(name)
        return text, parse_rfc3339(text)
    except ValueError:
        raise Invalid(f"The query needs {name} once, as an RFC 3339 date and time: 2018-05-01T00:00:00.000Z") from None

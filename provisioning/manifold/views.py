"""Answers the provider API (manifold-provider-api.yaml). What takes long is answered with 202, later by callback."""

from datetime import datetime
from typing import Any

from django.http import HttpResponseBase, QueryDict
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import Invalid, ServiceError, Unauthenticated
from credservice.http import views as kernel
from credservice.http.context import note
from credservice.http.errors import as_service_error
from credservice.http.views import Attempted, json_answer
from provisioning import services
from provisioning.door import MarketplaceView
from provisioning.manifold.authentication import authenticate
from provisioning.manifold.callbacks import CallbackTo
from provisioning.manifold.measures import measure
from provisioning.manifold.messages import message
from provisioning.manifold.serializers import checked_id, credential_order, plan_order, resource_order
from provisioning.rfc3339 import parse_rfc3339
from provisioning.services import Accepted
from provisioning.services.bindings import Found


class ProviderView(MarketplaceView):
    """Signed by a marketplace; every error is ``{"message": ...}``, and those of 4xx are in the trail."""

    path_ids = ("partner_id",)
    found: Found | None

    def perform_authentication(self, request: Request) -> None:
        try:
            self.caller, self.found = authenticate(request._request, self.asked_credential)
        except Unauthenticated as refusal:
            self.unproven = refusal.claimed
            raise

    def asked_credential(self) -> tuple[str, str] | None:
        """Return the ids of the credential and the resource that a PUT names, for the look-up of who sent it."""
        return None

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return message(error.message)

    def handle_exception(self, exc: Exception) -> Response:
        self.record_refusal(as_service_error(exc))
        return super().handle_exception(exc)

    @property
    def reply_to(self) -> CallbackTo:
        """Say where the request wants the outcome of slow work; under its signature where it was sent."""
        header = self.request._request.META.get
        return CallbackTo(
            self.caller.marketplace_id, header("HTTP_X_CALLBACK_ID", ""), header("HTTP_X_CALLBACK_URL", "")
        )


class ResourceView(ProviderView):
    acts_on = "resource"

    def put(self, request: Request, partner_id: str) -> Response:
        order = resource_order(self.read_object(request), checked_id(partner_id, "resource"))
        note(resource=partner_id)
        provisioned = services.provision_resource(
            caller=self.caller, resource_id=partner_id, order=order, reply_to=self.reply_to
        )
        if isinstance(provisioned, Accepted):
            return _later(provisioned)
        resource = provisioned.resource
        return Response(message(f"{resource.product} is ready, on the plan {resource.plan}."), status.HTTP_201_CREATED)

    def patch(self, request: Request, partner_id: str) -> Response:
        order = plan_order(self.read_object(request))
        checked_id(partner_id, "resource")
        note(resource=partner_id)
        outcome = services.change_plan(caller=self.caller, resource_id=partner_id, order=order, reply_to=self.reply_to)
        if isinstance(outcome, Accepted):
            return _later(outcome)
        resource, changed = outcome
        return Response(
            message(f"{resource.product} is {'now' if changed else 'already'} on the plan {resource.plan}.")
        )

    def delete(self, request: Request, partner_id: str) -> Response:
        checked_id(partner_id, "resource")
        note(resource=partner_id)
        later = services.deprovision_resource(caller=self.caller, resource_id=partner_id, reply_to=self.reply_to)
        return _later(later) if later else Response(status=status.HTTP_204_NO_CONTENT)


class MeasuresView(ProviderView):
    acts_on = "measures"

    def get(self, request: Request, partner_id: str) -> Response:
        period = {name: _moment(request.query_params, name) for name in ("period_start", "period_end")}
        start, end = (moment for _, moment in period.values())
        if end <= start:
            raise Invalid("The period ends before it starts. Exchange period_start and period_end.")
        checked_id(partner_id, "resource")
        measures = measure(caller=self.caller, resource_id=partner_id, start=start, end=end)
        if measures is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        echo = {name: text for name, (text, _) in period.items()}
        return Response({"resource_id": partner_id, **echo, "measures": measures})


class CredentialView(ProviderView):
    acts_on = "resource_credential"

    def asked_credential(self) -> tuple[str, str] | None:
        if self.request._request.method != "PUT":
            return None
        partner_id = self.kwargs["partner_id"]
        self.ordered = Attempted(
            lambda: credential_order(self.read_object(self.request), checked_id(partner_id, "credential"))
        )
        return (partner_id, self.ordered.value) if self.ordered.value else None

    def put(self, request: Request, partner_id: str) -> HttpResponseBase:
        resource_id = self.ordered.get()
        note(credential=partner_id, resource=resource_id)
        provided = services.provision_credential(
            caller=self.caller,
            credential_id=partner_id,
            resource_id=resource_id,
            reply_to=self.reply_to,
            found=self.found,
        )
        if isinstance(provided, Accepted):
            return _later(provided)
        return json_answer(message("The credential is ready to use.") | {"credentials": provided.values}, 201)

    def delete(self, request: Request, partner_id: str) -> Response:
        checked_id(partner_id, "credential")
        note(credential=partner_id)
        later = services.deprovision_credential(caller=self.caller, credential_id=partner_id, reply_to=self.reply_to)
        return _later(later) if later else Response(status=status.HTTP_204_NO_CONTENT)


class UnknownPath(kernel.UnknownPath):
    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return message(error.message)


def _later(accepted: Accepted) -> Response:
    return Response(message(accepted.message), status.HTTP_202_ACCEPTED)


def _moment(query: QueryDict, name: str) -> tuple[str, datetime]:
    """Read a point in time in the query, as it was sent and as it is. Raises Invalid."""
    try:
        (text,) = query.getlist(name)
        return text, parse_rfc3339(text)
    except ValueError:
        raise Invalid(f"The query needs {name} once, as an RFC 3339 date and time: 2018-05-01T00:00:00.000Z") from None

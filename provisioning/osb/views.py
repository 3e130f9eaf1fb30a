"""Answers the Open Service Broker API 2.17 (docs/protocols/osb.md). What takes long is answered 202, and polled."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import Conflict, Invalid, NotFound, ServiceError, Unauthenticated
from credservice.core.ids import as_uuid
from credservice.http import views as kernel
from credservice.http.context import note
from credservice.http.errors import as_service_error
from credservice.http.views import Attempted, json_answer
from credservice.vendor_api.etags import is_unchanged
from provisioning import services
from provisioning.door import MarketplaceView
from provisioning.models import Operation, Resource, ResourceCredential
from provisioning.orders import PlanOrder, ResourceOrder
from provisioning.osb import answers
from provisioning.osb.authentication import SUSPENDED, WRONG_PASSWORD, authenticate
from provisioning.osb.catalogue import written_catalogue
from provisioning.osb.headers import REQUEST_IDENTITY, check_version, note_identities, request_identity
from provisioning.osb.look_ups import BINDING, BINDING_OPERATION, CATALOGUE, OPERATION, LookUp
from provisioning.osb.polled import Polled
from provisioning.osb.refusals import error_code, translated
from provisioning.osb.serializers import (
    BindingOrder,
    Offer,
    accepts_incomplete,
    binding_order,
    changed_instance,
    check_maintenance,
    checked_id,
    find_plan,
    new_instance,
    queried_offer,
)
from provisioning.refusals import UNDER_WAY
from provisioning.services import Accepted
from provisioning.services.bindings import Found, read_found
from provisioning.services.lookup import find_resource, no_such_resource
from provisioning.services.progress import read_operation


class BrokerView(MarketplaceView):
    """Called by a platform. Checks in this order: method, password, version, form, existence."""

    takes_encoded_slashes = True
    path_ids = ("binding_id", "instance_id")
    found: Sequence[Any]  # what the look-up of the caller found besides

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_version(request)
        note_identities(request)

    def perform_authentication(self, request: Request) -> None:
        self.caller, self.found = authenticate(request._request, self.kwargs["marketplace"], self.look_up)

    @property
    def reply_to(self) -> Polled:
        return Polled(accepts_incomplete(self.request.query_params))

    def look_up(self) -> LookUp:
        """Say by what statement to find who calls. What of the request does not read finds the caller alone."""
        return LookUp()

    def instance_id(self) -> str:
        instance_id = checked_id(self.kwargs["instance_id"], "instance")
        note(resource=instance_id)
        return instance_id

    def binding_id(self) -> str:
        binding_id = checked_id(self.kwargs["binding_id"], "binding")
        note(credential=binding_id)
        return binding_id

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return {"error": error_code(error), "description": error.message}

    def handle_exception(self, exc: Exception) -> Response:
        refusal = as_service_error(exc)
        if refusal.status >= 500:
            return super().handle_exception(exc)
        if isinstance(refusal, Unauthenticated) and refusal.reason in (WRONG_PASSWORD, SUSPENDED):
            self.unproven = self.kwargs["marketplace"]
        self.record_refusal(refusal)
        return super().handle_exception(translated(refusal, self.request.method or ""))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == status.HTTP_401_UNAUTHORIZED:
            response["WWW-Authenticate"] = 'Basic realm="credservice"'
        elif identity := request_identity(request):
            response[REQUEST_IDENTITY] = identity
        return response


class CatalogueView(BrokerView):
    acts_on = "catalogue"

    def look_up(self) -> LookUp:
        return LookUp(CATALOGUE)

    def get(self, request: Request, marketplace: str) -> HttpResponseBase:
        (version,) = self.found
        catalogue = written_catalogue(self.caller.marketplace_id, version)
        unchanged = is_unchanged(request._request, catalogue.etag)
        answer = HttpResponse(status=304) if unchanged else HttpResponse(catalogue.body, "application/json")
        answer["ETag"] = catalogue.etag
        return answer


class InstanceView(BrokerView):
    acts_on = "resource"

    def put(self, request: Request, **_: str) -> HttpResponseBase:
        instance_id, order = self.instance_id(), new_instance(self.read_object(request))
        reply_to = self.reply_to
        plan = find_plan(self.caller.marketplace_id, order.service_id, order.plan_id or "")
        check_maintenance(order, plan)
        provisioned = services.provision_resource(
            caller=self.caller,
            resource_id=instance_id,
            order=ResourceOrder(plan.product.label, plan.label, "", order.parameters or {}),
            reply_to=reply_to,
        )
        if isinstance(provisioned, Accepted):
            return answers.accepted(provisioned)
        return answers.instance(provisioned.resource, is_new=provisioned.is_new)

    def get(self, request: Request, **_: str) -> HttpResponseBase:
        resource = find_resource(self.caller, self.instance_id())
        if resource.state == Resource.State.PROVISIONING:
            raise no_such_resource()
        live = resource.operations.filter(resource_credential=None, state__in=Operation.LIVE)
        if live.exists():
            raise Conflict("The instance is being changed. Wait for the outcome.", code=UNDER_WAY)
        return answers.shown_instance(resource)

    def patch(self, request: Request, **_: str) -> HttpResponseBase:
        instance_id, order = self.instance_id(), changed_instance(self.read_object(request))
        reply_to = self.reply_to
        resource = find_resource(self.caller, instance_id)
        plan = find_plan(self.caller.marketplace_id, order.service_id, order.plan_id or str(resource.plan_id))
        _check_service(resource, order.service_id)
        check_maintenance(order, plan)
        outcome = services.change_plan(
            caller=self.caller,
            resource_id=instance_id,
            order=PlanOrder(plan.label if order.plan_id else None, order.parameters, keeps_others=True),
            reply_to=reply_to,
        )
        return answers.accepted(outcome) if isinstance(outcome, Accepted) else json_answer({})

    def delete(self, request: Request, **_: str) -> HttpResponseBase:
        instance_id, offer, reply_to = self.instance_id(), queried_offer(request.query_params), self.reply_to
        resource = Resource.objects.filter(marketplace_id=self.caller.marketplace_id, partner_id=instance_id).first()
        if resource is not None:
            _check_service(resource, offer.service_id)
        later = services.deprovision_resource(caller=self.caller, resource_id=instance_id, reply_to=reply_to)
        return answers.accepted(later) if later else json_answer({})


class BindingView(BrokerView):
    acts_on = "resource_credential"

    def look_up(self) -> LookUp:
        if self.request.method != "PUT":
            return LookUp()
        self.ordered = Attempted(self._read_order)
        return LookUp(BINDING, self.ordered.value[:2]) if self.ordered.value else LookUp()

    def _read_order(self) -> tuple[str, str, BindingOrder, Polled]:
        binding_id = checked_id(self.kwargs["binding_id"], "binding")
        instance_id = checked_id(self.kwargs["instance_id"], "instance")
        return binding_id, instance_id, binding_order(self.read_object(self.request)), self.reply_to

    def put(self, request: Request, **_: str) -> HttpResponseBase:
        binding_id, instance_id, order, reply_to = self.ordered.get()
        note(resource=instance_id, credential=binding_id)
        shape, found = self.found[0] or "{}", read_found(self.found[1:])
        if found is not None:
            _check_order(found, order)
        provided = services.provision_credential(
            caller=self.caller, credential_id=binding_id, resource_id=instance_id, reply_to=reply_to, found=found
        )
        if isinstance(provided, Accepted):
            return answers.accepted(provided)
        return answers.binding(provided, answers.read_shape(shape))

    def get(self, request: Request, **_: str) -> HttpResponseBase:
        instance_id, binding_id = self.instance_id(), self.binding_id()
        provided = services.read_credential(caller=self.caller, credential_id=binding_id, resource_id=instance_id)
        shape = find_resource(self.caller, instance_id).product.credentials_shape
        return answers.binding(provided, shape)

    def delete(self, request: Request, **_: str) -> HttpResponseBase:
        instance_id, binding_id = self.instance_id(), self.binding_id()
        offer, reply_to = queried_offer(request.query_params), self.reply_to
        resource = Resource.objects.filter(marketplace_id=self.caller.marketplace_id, partner_id=instance_id).first()
        if resource is not None:
            _check_service(resource, offer.service_id)
        later = services.deprovision_credential(
            caller=self.caller, credential_id=binding_id, resource_id=instance_id, reply_to=reply_to
        )
        return answers.accepted(later) if later else json_answer({})


class LastOperationView(BrokerView):
    """Of an instance, or of a binding where the path names one."""

    acts_on = "operation"

    def look_up(self) -> LookUp:
        self.asked = Attempted(self._read_ids)
        if self.asked.value is None:
            return LookUp()
        instance_id, operation_id, binding_id = self.asked.value
        if binding_id is None:
            return LookUp(OPERATION, (instance_id, operation_id))
        return LookUp(BINDING_OPERATION, (instance_id, operation_id, binding_id))

    def _read_ids(self) -> tuple[str, UUID | None, str | None]:
        instance_id = checked_id(self.kwargs["instance_id"], "instance")
        binding_id = checked_id(self.kwargs["binding_id"], "binding") if "binding_id" in self.kwargs else None
        return instance_id, _operation_id(self.request.query_params.get("operation")), binding_id

    def get(self, request: Request, **_: str) -> HttpResponseBase:
        instance_id, operation_id, binding_id = self.asked.get()
        note(resource=instance_id, **({"credential": binding_id} if binding_id else {}))
        try:
            operation = read_operation(self.found, binding_id, operation_id)
        except NotFound as error:
            raise _gone(error) from None
        return answers.progress(operation)


class UnknownPath(kernel.UnknownPath):
    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return {"error": error_code(error), "description": error.message}


def _check_service(resource: Resource, service_id: str) -> None:
    """Raise Invalid where the instance is of another service. Of which plan it is may be changing."""
    if str(resource.product_id) != service_id:
        raise Invalid("The instance is of another service than service_id names.")


def _check_order(found: Found, order: BindingOrder) -> None:
    """Raise Invalid where the instance is of another service or plan, or has no such predecessor."""
    if order.offer not in (None, Offer(str(found.product_id), str(found.plan_id))):
        raise Invalid("The instance is of another service or plan than service_id and plan_id name.")
    if order.predecessor is None:
        return
    note(predecessor=order.predecessor)
    known = ResourceCredential.objects.filter(resource_id=found.resource_id, deprovisioned_at=None)
    if found.credential is None and not known.filter(partner_id=order.predecessor).exists():
        raise Invalid("The instance has no binding predecessor_binding_id to replace.")


def _operation_id(text: str | None) -> UUID | None:
    """Read ``operation`` of the query, which a platform may leave out. Raises Invalid."""
    if text is None:
        return None
    operation_id = as_uuid(text)
    if operation_id is None:
        raise Invalid("The operation is not one that we have answered. Send it as it was, or leave it out.")
    return operation_id


def _gone(error: NotFound) -> ServiceError:
    """Answer 410 where we hold nothing, and 400 for an operation of something else ("What we do", row 1)."""
    refusal = ServiceError(error.message, code="gone")
    refusal.status = 400 if error.code == "unknown_operation" else 410
    return refusal

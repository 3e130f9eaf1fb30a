"""Answers the vendor API's routes about what marketplaces have ordered."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from credservice.vendor_api.base import VendorView
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import filtered, page, page_of
from provisioning.models import Resource, ResourceCredential
from provisioning.services.suspension import resume_resource, suspend_resource
from provisioning.vendor_api.lookups import find_resource, find_resource_credential
from provisioning.vendor_api.serializers import (
    MarketplaceQuerySerializer,
    ReasonSerializer,
    ResourceCredentialQuerySerializer,
    ResourceCredentialSerializer,
    ResourceQuerySerializer,
    ResourceSerializer,
)

ONE: dict[str, Any] = {"query": MarketplaceQuerySerializer, "tagged": True}
ACT: dict[str, Any] = {
    "scope": Scope.WRITE_RESOURCES,
    "takes": ReasonSerializer,
    "gives": {200: ResourceSerializer},
    "problems": ("ambiguous",),
}


class Resources(VendorView):
    @reads(
        "list_resources",
        "List resources",
        scope=Scope.READ_RESOURCES,
        query=ResourceQuerySerializer,
        gives={200: page_of(ResourceSerializer)},
    )
    def get(self, request: Request) -> Response:
        """The newest first, deprovisioned ones included."""
        lookups = {"marketplace": "marketplace__name", "product": "product__label", "plan": "plan__label"}
        where = filtered(self.params, state="state", resource_id="partner_id", **lookups)
        rows = Resource.objects.select_related("marketplace", "product", "plan").filter(**where)
        return page(request, rows, self.params, lambda found: list(ResourceSerializer(found, many=True).data))


class OneResource(VendorView):
    """Named by the marketplace's id, or by ours."""

    @reads(
        "read_resource",
        "Read a resource",
        scope=Scope.READ_RESOURCES,
        gives={200: ResourceSerializer},
        problems=("ambiguous",),
        **ONE,
    )
    def get(self, request: Request, resource: str) -> Response:
        found = find_resource(resource, self.params.get("marketplace"))
        return self.shown(ResourceSerializer(found).data)


class ResourceAct(VendorView):
    def act(self, service: Callable[..., None], text: str) -> Response:
        resource = find_resource(text, self.params.get("marketplace"), lock=True)
        self.require_match(ResourceSerializer(resource).data)
        service(resource=resource, actor=self.actor, why=self.body["why"])
        return self.shown(ResourceSerializer(resource).data)


class SuspendResource(ResourceAct):
    @writes("suspend_resource", "Suspend a resource", **ACT, **ONE)
    def post(self, request: Request, resource: str) -> Response:
        """It gets no new credentials, and its keys check as not good. Repeating it is harmless."""
        return self.act(suspend_resource, resource)


class ResumeResource(ResourceAct):
    @writes("resume_resource", "Resume a resource", **ACT, **ONE)
    def post(self, request: Request, resource: str) -> Response:
        """It gets credentials again, and its keys check as good. Repeating it is harmless."""
        return self.act(resume_resource, resource)


class ResourceCredentials(VendorView):
    @reads(
        "list_resource_credentials",
        "List resource credentials",
        scope=Scope.READ_RESOURCES,
        query=ResourceCredentialQuerySerializer,
        gives={200: page_of(ResourceCredentialSerializer)},
    )
    def get(self, request: Request) -> Response:
        """A marketplace's credential ids, each bound to a line of credentials; deprovisioned ones included."""
        lookups = {"marketplace": "marketplace__name", "resource_id": "resource__partner_id"}
        rows = ResourceCredential.objects.select_related("marketplace", "resource", "credential")
        rows = rows.defer("credential__sealed_values").filter(
            **filtered(self.params, credential_id="partner_id", **lookups)
        )
        return page(request, rows, self.params, lambda found: list(ResourceCredentialSerializer(found, many=True).data))


class OneResourceCredential(VendorView):
    """Named by the marketplace's id, or by ours."""

    @reads(
        "read_resource_credential",
        "Read a resource credential",
        scope=Scope.READ_RESOURCES,
        gives={200: ResourceCredentialSerializer},
        problems=("ambiguous",),
        **ONE,
    )
    def get(self, request: Request, credential_id: str) -> Response:
        found = find_resource_credential(credential_id, self.params.get("marketplace"))
        return self.shown(ResourceCredentialSerializer(found).data)

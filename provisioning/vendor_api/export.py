"""Exports what marketplaces have ordered, as the vendor API shows it."""

from collections.abc import Sequence
from typing import Any

from credservice.vendor_api.exports import register_export
from provisioning.models import Resource, ResourceCredential
from provisioning.vendor_api.serializers import ResourceCredentialSerializer, ResourceSerializer


def register() -> None:
    of_resources = Resource.objects.select_related("marketplace", "product", "plan")
    register_export("resources", of_resources.all, _resources)
    of_credentials = ResourceCredential.objects.select_related("marketplace", "resource", "credential")
    register_export("resource_credentials", of_credentials.all, _resource_credentials)


def _resources(found: Sequence[Resource]) -> list[dict[str, Any]]:
    return list(ResourceSerializer(found, many=True).data)


def _resource_credentials(found: Sequence[ResourceCredential]) -> list[dict[str, Any]]:
    return list(ResourceCredentialSerializer(found, many=True).data)

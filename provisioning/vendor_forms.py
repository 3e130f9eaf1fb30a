"""How resources look in the vendor API, and what is sent about them."""

from typing import Any

from rest_framework import serializers

from credservice.credentials.models import Credential
from credservice.vendor_api.fields import StrictSerializer, Text
from credservice.vendor_api.paging import PageQuerySerializer
from provisioning.models import Resource


class MarketplaceQuerySerializer(StrictSerializer):
    marketplace = serializers.CharField(
        required=False, max_length=64, help_text="Its name; needed where two marketplaces use the same id."
    )


class ResourceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    marketplace = serializers.CharField(source="marketplace.name")
    resource_id = serializers.CharField(source="partner_id", help_text="The marketplace's id.")
    product = serializers.CharField(source="product.label")
    plan = serializers.CharField(source="plan.label")
    region = serializers.CharField()
    features = serializers.DictField()
    state = serializers.ChoiceField(Resource.State.choices)
    created_at = serializers.DateTimeField()
    deprovisioned_at = serializers.DateTimeField(allow_null=True)


class ResourceQuerySerializer(PageQuerySerializer):
    marketplace = serializers.CharField(required=False, max_length=64)
    state = serializers.ChoiceField(Resource.State.choices, required=False)
    product = serializers.CharField(required=False, max_length=129, help_text="Its label.")
    plan = serializers.CharField(required=False, max_length=129, help_text="Its label.")
    resource_id = serializers.CharField(required=False, max_length=64, help_text="The marketplace's id.")


class ResourceCredentialSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    marketplace = serializers.CharField(source="marketplace.name")
    credential_id = serializers.CharField(source="partner_id", help_text="The marketplace's id.")
    resource_id = serializers.CharField(source="resource.partner_id", help_text="The marketplace's id.")
    credential = serializers.UUIDField(source="credential_id", help_text="The first one of its line.")
    line = serializers.UUIDField(source="credential.line")
    state = serializers.ChoiceField(Credential.State.choices, source="credential.state", help_text="Of that first one.")
    created_at = serializers.DateTimeField()
    deprovisioned_at = serializers.DateTimeField(allow_null=True)


class ResourceCredentialQuerySerializer(PageQuerySerializer):
    marketplace = serializers.CharField(required=False, max_length=64)
    resource_id = serializers.CharField(required=False, max_length=64, help_text="The marketplace's id.")
    credential_id = serializers.CharField(required=False, max_length=64, help_text="The marketplace's id.")


class ReasonSerializer(StrictSerializer):
    why = Text(max_length=200, required=False, default="", allow_blank=True, help_text="For the trail.")

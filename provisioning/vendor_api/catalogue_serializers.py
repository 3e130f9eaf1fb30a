"""Declares how marketplaces and what they may order look in the vendor API, and what is sent about them."""

from typing import Any

from rest_framework import serializers

from credservice.vendor_api.fields import ActiveState, Flag, JSONObject, Name, Number, StrictSerializer, Text, Texts
from provisioning.models import Feature, Marketplace, Plan


class MarketplaceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    protocol = serializers.CharField(source="protocol_name", help_text="How it speaks.")
    address = serializers.CharField(source="protocol.address", help_text="The base URL that it calls.")
    state = ActiveState(source="is_active")
    connector_url = serializers.CharField()
    client_id = serializers.CharField(help_text="Of our OAuth client there.")
    has_client_secret = serializers.SerializerMethodField(help_text="It is kept here, and never shown.")
    rotates = serializers.BooleanField(help_text="Scheduled rotations are asked of its connector.")
    sign_on_404 = serializers.ChoiceField(Marketplace.SignOn404.choices)
    created_at = serializers.DateTimeField()

    def get_has_client_secret(self, marketplace: Marketplace) -> bool:
        return marketplace.sealed_client_secret is not None


class MarketplacePutSerializer(StrictSerializer):
    """Takes the fields to change; those that are left out stay as they are. Each is as in docs/set-up-file.md."""

    # The connector is told values, and asked who may sign on.
    trusted = frozenset({"connector_url", "client_id", "client_secret", "sign_on_404"})

    protocol = Text(required=False, max_length=32, help_text="How it speaks. It cannot change.")
    state = ActiveState(source="active", required=False)
    connector_url = Text(required=False, allow_blank=True, max_length=255)
    client_id = Name(required=False, allow_blank=True, max_length=255)
    client_secret = Text(
        required=False, max_length=1024, help_text="Sealed, and never shown. To be sent with another connector's URL."
    )
    rotates = Flag(required=False)
    sign_on_404 = serializers.ChoiceField(Marketplace.SignOn404.choices, required=False)


class ProductSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    marketplace = serializers.CharField(source="marketplace.name")
    product = serializers.CharField(source="label", help_text="Its label.")
    name = serializers.CharField()
    state = ActiveState(source="is_active")
    policy = serializers.CharField(source="policy.name")
    regions = serializers.ListField(child=serializers.CharField())
    provisioner = serializers.CharField(help_text="An alias in PROVISIONERS; empty: none.")
    slow_credentials = serializers.BooleanField(help_text="They are made and ended by the worker.")
    dashboard_url = serializers.CharField(help_text="Empty: users get our page of the resource.")
    description = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField()
    credentials_shape = serializers.DictField(help_text="Empty: the values by their names.")


class ProductPutSerializer(StrictSerializer):
    """Takes the fields to change; those that are left out stay as they are. A new one needs its policy."""

    # What is handed out, and where a customer's applications and users are sent with it.
    trusted = frozenset({"policy", "credentials_shape", "dashboard_url"})

    name = Name(required=False, allow_blank=True, max_length=255)
    state = ActiveState(source="active", required=False)
    policy = Text(required=False, max_length=128, help_text="Its name.")
    regions = Texts(required=False)
    provisioner = Text(required=False, allow_blank=True, max_length=64)
    slow_credentials = Flag(required=False)
    dashboard_url = Text(required=False, allow_blank=True, max_length=255)
    description = Text(required=False, allow_blank=True, max_length=255)
    tags = Texts(required=False)
    metadata = JSONObject(required=False, help_text="Send the whole object.")
    credentials_shape = JSONObject(required=False, help_text="Send the whole object.")


class PlanSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    marketplace = serializers.CharField(source="product.marketplace.name")
    product = serializers.CharField(source="product.label")
    plan = serializers.CharField(source="label", help_text="Its label.")
    name = serializers.CharField()
    state = ActiveState(source="is_active")
    description = serializers.CharField()
    is_free = serializers.BooleanField()
    metadata = serializers.DictField()
    maintenance_version = serializers.CharField()
    changes_to = serializers.SerializerMethodField(help_text="Plans that a resource may change to; null: any.")

    def get_changes_to(self, plan: Plan) -> list[str] | None:
        return sorted(other.label for other in plan.changes_to.all()) if plan.restricts_changes else None


class PlanPutSerializer(StrictSerializer):
    """Takes the fields to change; those that are left out stay as they are."""

    name = Name(required=False, allow_blank=True, max_length=255)
    state = ActiveState(source="active", required=False)
    description = Text(required=False, allow_blank=True, max_length=255)
    is_free = Flag(source="free", required=False)
    metadata = JSONObject(required=False, help_text="Send the whole object.")
    maintenance_version = Text(required=False, allow_blank=True, max_length=64)
    changes_to = Texts(
        required=False, allow_null=True, help_text="Labels of plans that a resource may change to; null: any."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Say it as the set-up file does."""
        return attrs | ({"changes_to": "any"} if attrs.get("changes_to", ()) is None else {})


class FeatureSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    marketplace = serializers.CharField(source="product.marketplace.name")
    product = serializers.CharField(source="product.label")
    feature = serializers.CharField(source="label", help_text="Its label.")
    name = serializers.CharField()
    type = serializers.ChoiceField(Feature.Type.choices)
    values = serializers.ListField(child=serializers.CharField(), help_text="What a text may be.")
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    is_metered = serializers.BooleanField(help_text="Measured, not chosen.")
    plans = serializers.SerializerMethodField(help_text="Those that have it. Empty: every plan.")

    def get_plans(self, feature: Feature) -> list[str]:
        return sorted(plan.label for plan in feature.plans.all())


class FeaturePutSerializer(StrictSerializer):
    """Takes the fields to change; those that are left out stay as they are. A new one needs its type."""

    name = Name(required=False, allow_blank=True, max_length=255)
    type = serializers.ChoiceField(Feature.Type.choices, required=False)
    values = Texts(required=False)
    minimum = Number(required=False, allow_null=True)
    maximum = Number(required=False, allow_null=True)
    is_metered = Flag(source="metered", required=False)
    plans = Texts(required=False, help_text="Labels of the plans that have it. Empty: every plan.")

"""Declares how platforms and integrations look in the vendor API, and what is sent about them."""

from typing import Any

from rest_framework import serializers

from credservice.credentials.models import CredentialPolicy
from credservice.credentials.vendor_api.serializers import NO_POLICY
from credservice.vendor_api.fields import (
    ActiveState,
    Flag,
    JSONObject,
    Name,
    NameFilter,
    StrictSerializer,
    Text,
    Texts,
    Whole,
)
from credservice.vendor_api.paging import PageQuerySerializer
from credservice.vendor_api.setup import AcceptingSerializer
from exchange.lookups import NO_PLATFORM
from exchange.models import Platform


class PlatformQuerySerializer(StrictSerializer):
    platform = serializers.CharField(
        required=False,
        max_length=64,
        help_text="Its name; without it, the default platform. Where there are several, name it to make something new.",
    )


class IntegrationPutQuerySerializer(PlatformQuerySerializer, AcceptingSerializer):
    pass


class PlatformSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    is_default = serializers.BooleanField()
    state = ActiveState(source="is_active")
    require_signature = serializers.BooleanField()
    source_networks = serializers.ListField(child=serializers.CharField())
    construction = serializers.ChoiceField(Platform.Construction.choices)
    timestamp_header = serializers.CharField()
    signed_path = serializers.ChoiceField(Platform.SignedPath.choices)
    public_prefix = serializers.CharField()
    lower_case_method = serializers.BooleanField()
    tolerance_seconds = serializers.IntegerField()
    single_use_signatures = serializers.BooleanField()
    ids_from_query = serializers.BooleanField()
    approve_installations = serializers.BooleanField(help_text="First-seen ones are active at once.")
    requests_per_minute = serializers.IntegerField(allow_null=True, help_text="null: no limit.")
    api_url = serializers.CharField(help_text="Of MindCloud's API. Empty: not used.")
    has_api_key = serializers.SerializerMethodField(help_text="The key of that API is kept here, and never shown.")
    created_at = serializers.DateTimeField()

    def get_has_api_key(self, platform: Platform) -> bool:
        return platform.sealed_api_key is not None


class PlatformPutSerializer(StrictSerializer):
    """Takes the fields to change; those that are left out stay as they are. Each is as in docs/set-up-file.md."""

    trusted = frozenset(
        {
            *("require_signature", "source_networks", "construction", "timestamp_header", "signed_path"),
            *("public_prefix", "lower_case_method", "tolerance_seconds", "single_use_signatures", "ids_from_query"),
            *("approve_installations", "requests_per_minute", "api_url", "api_key", "is_default"),
        }
    )

    is_default = Flag(source="default", required=False, help_text="Answers at /credential-exchange as well.")
    state = ActiveState(source="active", required=False)
    require_signature = Flag(required=False)
    source_networks = Texts(required=False, help_text="Networks that may call. Needed where nothing is signed.")
    construction = serializers.ChoiceField(Platform.Construction.choices, required=False)
    timestamp_header = Text(required=False, allow_blank=True, max_length=64)
    signed_path = serializers.ChoiceField(Platform.SignedPath.choices, required=False)
    public_prefix = Text(required=False, allow_blank=True, max_length=255)
    lower_case_method = Flag(required=False)
    tolerance_seconds = Whole(required=False, min_value=1, max_value=3600)
    single_use_signatures = Flag(required=False)
    ids_from_query = Flag(required=False)
    approve_installations = Flag(required=False, help_text="First-seen ones are active at once.")
    requests_per_minute = Whole(required=False, allow_null=True, min_value=1, help_text="null: no limit.")
    api_url = Text(
        required=False, allow_blank=True, max_length=255, help_text="Of MindCloud's API. Empty: its key is dropped."
    )
    api_key = Text(
        required=False, max_length=1024, help_text="Of that API. Sealed, and never shown. To be sent with another URL."
    )


class IntegrationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    platform = serializers.CharField(source="platform.name")
    integration_id = serializers.CharField(help_text="The platform's integrationId.")
    name = serializers.CharField()
    policy = serializers.CharField(source="policy.name")
    response_shape = serializers.DictField(child=serializers.CharField())
    state = ActiveState(source="is_active")
    created_at = serializers.DateTimeField()


class IntegrationPutSerializer(StrictSerializer):
    """Takes the fields to change; those that are left out stay as they are. A new one needs policy and shape."""

    trusted = frozenset({"policy", "response_shape"})

    name = Name(required=False, allow_blank=True, max_length=255)
    state = ActiveState(source="active", required=False)
    policy = Text(required=False, max_length=128, help_text="Its name.")
    response_shape = JSONObject(
        source="response", required=False, help_text='The whole answer, such as {"apiKey": "$credential.apiKey"}.'
    )


class IntegrationQuerySerializer(PageQuerySerializer):
    platform = NameFilter(Platform, "name", NO_PLATFORM, max_length=64)
    policy = NameFilter(CredentialPolicy, "name", NO_POLICY, max_length=128, help_text="Its name.")

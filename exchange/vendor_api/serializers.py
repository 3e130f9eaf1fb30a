"""Declares how the exchange's objects look in the vendor API, and what is sent about them."""

from typing import Any

from rest_framework import serializers

from credservice.credentials.models import Credential
from credservice.vendor_api.fields import (
    ACTIVE_OR_SUSPENDED,
    MAX_OVERLAP,
    OVERLAP_HELP,
    ActiveState,
    Facts,
    Name,
    NameFilter,
    Reason,
    StrictSerializer,
    Text,
    Values,
    Whole,
)
from credservice.vendor_api.paging import PageQuerySerializer
from credservice.vendor_api.setup import AcceptingSerializer
from exchange.lookups import NO_INTEGRATION, NO_PLATFORM
from exchange.models import MAX_ID, Installation, Integration, Platform
from exchange.vendor_api.platform_serializers import PlatformQuerySerializer

# Said wherever they are sent.
ATTRIBUTES = (
    "Flat facts that a response shape may use. Send the whole object, each time: an attribute that you leave out is "
    "gone, and what asks for it gets no answer."
)


class EndUserSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    platform = serializers.CharField(source="platform.name")
    external_id = serializers.CharField(help_text="Yours; empty where nobody has said it.")
    end_user_id = serializers.CharField(help_text="The platform's endUserId.")
    name = serializers.CharField()
    attributes = serializers.DictField(help_text="Facts that a response shape may use.")
    state = ActiveState(source="is_active")
    created_at = serializers.DateTimeField()


class EndUserUpsertSerializer(StrictSerializer):
    """Takes the fields to change; those that are left out stay as they are."""

    end_user_id = Name(
        max_length=MAX_ID, required=False, help_text="The platform's endUserId: needed once, and never changes."
    )
    name = Name(max_length=255, required=False, allow_blank=True)
    attributes = Facts(required=False, help_text=ATTRIBUTES)


class EndUserPutQuerySerializer(PlatformQuerySerializer, AcceptingSerializer):
    pass


class EndUserQuerySerializer(PageQuerySerializer):
    platform = NameFilter(Platform, "name", NO_PLATFORM, max_length=64)
    external_id = Text(required=False, max_length=MAX_ID)
    end_user_id = Text(required=False, max_length=MAX_ID)
    name = serializers.CharField(required=False, max_length=255, help_text="How it begins, in whatever case.")
    state = serializers.ChoiceField(ACTIVE_OR_SUSPENDED, required=False)


class WhySerializer(StrictSerializer):
    why = Reason(required=False, default="", allow_blank=True)


class InstallationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    platform = serializers.CharField(source="platform.name")
    installation_id = serializers.CharField(help_text="The platform's installationId.")
    integration_id = serializers.CharField(source="integration.integration_id")
    end_user_id = serializers.CharField(source="end_user.end_user_id")
    external_id = serializers.CharField(source="end_user.external_id")
    state = serializers.ChoiceField(Installation.State.choices)
    attributes = serializers.DictField()
    created_at = serializers.DateTimeField()


class InstallationQuerySerializer(PageQuerySerializer):
    platform = NameFilter(Platform, "name", NO_PLATFORM, max_length=64)
    state = serializers.ChoiceField(Installation.State.choices, required=False)
    external_id = Text(required=False, max_length=MAX_ID, help_text="Of its end user.")
    integration_id = NameFilter(Integration, "integration_id", NO_INTEGRATION, max_length=MAX_ID)


class HandedOutSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(Credential.State.choices)


class GrantSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    platform = serializers.CharField(source="integration.platform.name")
    integration_id = serializers.CharField(source="integration.integration_id")
    external_id = serializers.CharField(source="end_user.external_id")
    end_user_id = serializers.CharField(source="end_user.end_user_id")
    installation_id = serializers.CharField(
        source="installation.installation_id", allow_null=True, default=None, help_text="null: all of the end user's."
    )
    line = serializers.UUIDField(help_text="The line of credentials that is handed out.")
    credential = HandedOutSerializer(
        source="handed_out", allow_null=True, help_text="What is handed out now, or is being made; null: it has ended."
    )
    created_at = serializers.DateTimeField()


class GrantQuerySerializer(PageQuerySerializer):
    platform = NameFilter(Platform, "name", NO_PLATFORM, max_length=64)
    external_id = Text(required=False, max_length=MAX_ID, help_text="Of the end user.")
    integration_id = NameFilter(Integration, "integration_id", NO_INTEGRATION, max_length=MAX_ID)
    line = serializers.UUIDField(required=False)


class GrantPlaceQuerySerializer(PlatformQuerySerializer):
    installation = Text(required=False, max_length=MAX_ID, help_text="Narrower: for this installationId alone.")


class GrantWithdrawalQuerySerializer(GrantPlaceQuerySerializer):
    reason = Reason(required=False, min_length=3)


class GrantPutSerializer(StrictSerializer):
    values = Values(required=False, help_text="The credential's, each by name, for a policy that makes none itself.")
    overlap_seconds = Whole(
        required=False,
        min_value=0,
        max_value=MAX_OVERLAP,
        help_text=f"The ones before stay valid for; {OVERLAP_HELP}",
    )

"""Answers the vendor API's route for single sign-on."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import StrictSerializer, Text
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import writes
from provisioning.models import Resource
from provisioning.sso.handoff import MAX_TOKEN, redeem

MAX_URL = 255  # of a product's dashboard_url


class HandOverTokenSerializer(StrictSerializer):
    token = Text(max_length=MAX_TOKEN, help_text="What the user brought in the dashboard's address.")
    audience = Text(
        max_length=MAX_URL,
        help_text="The dashboard's own address, its dashboard_url: a token of another one is refused with 409.",
    )


class RedeemedSerializer(serializers.Serializer[Any]):
    marketplace = serializers.CharField(source="marketplace.name")
    resource_id = serializers.CharField(source="partner_id", help_text="The marketplace's id, the token's sub.")
    state = serializers.ChoiceField(Resource.State.choices)


class Redemption(VendorView):
    """Use up a token that a marketplace's user brought to the vendor's dashboard: 200 once, 409 ever after."""

    @writes(
        "redeem_sign_on",
        "Redeem the token of a user whom a marketplace sends",
        scope=Scope.REDEEM_SIGN_ON,
        takes=HandOverTokenSerializer,
        gives={200: RedeemedSerializer},
        examples={
            "A token": {"token": "eyJhbGciOiJFZERTQSIs...", "audience": "https://dashboard.example.com/marketplace"}
        },
    )
    def post(self, request: Request) -> Response:
        resource = redeem(actor=self.actor, **self.body)
        return Response(RedeemedSerializer(resource).data)

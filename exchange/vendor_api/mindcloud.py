"""Mints a token of MindCloud's for an end user's browser."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import Name, StrictSerializer
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads
from exchange.lookups import platform_of, refuse_unnamed_for
from exchange.mindcloud.services import BrowserToken, mint_token
from exchange.models import MAX_ID, EndUser, Platform
from exchange.vendor_api.platform_serializers import PlatformQuerySerializer


class TokenOrderSerializer(StrictSerializer):
    name = Name(required=False, max_length=255, help_text="Sent to MindCloud where the end user is new there.")
    email = serializers.EmailField(required=False, max_length=254, help_text="The same.")


class BrowserTokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="For MindCloud's SDK. Short-lived; ask anew for each page.")
    external_id = serializers.CharField()
    end_user_id = serializers.CharField(help_text="MindCloud's endUserId.")
    platform = serializers.CharField()


class MindCloudToken(VendorView):
    @reads(
        "mint_mindcloud_token",
        "Mint a browser token of MindCloud's",
        scope=Scope.MINT_TOKENS,
        query=PlatformQuerySerializer,
        takes=TokenOrderSerializer,
        gives={200: BrowserTokenSerializer},
        problems=(
            *("conflict", "suspended", "mindcloud_not_set_up", "creation_unsettled"),
            *("mindcloud_refused", "mindcloud_not_understood", "mindcloud_unavailable"),
        ),
        examples={"One that may be new": {"name": "Acme", "email": "ops@acme.example"}, "Any other": {}},
    )
    def post(self, request: Request, external_id: str) -> Response:
        """A repeated call mints another token. With a token that has the scope `end-users:write` as well, an end user
        that is missing is created at MindCloud and registered first: once, however often this is called."""
        if len(external_id) > MAX_ID:
            raise NotFound(f"An external_id has at most {MAX_ID} characters.")
        minted = self._minted(platform_of(self.params.get("platform"), EndUser, external_id), external_id)
        end_user = minted.end_user
        return Response(
            {
                "token": minted.text,
                "external_id": end_user.external_id,
                "end_user_id": end_user.end_user_id,
                "platform": end_user.platform.name,
            }
        )

    def _minted(self, platform: Platform, external_id: str) -> BrowserToken:
        may_create = Scope.WRITE_END_USERS in self.caller.token.scopes
        if may_create:
            refuse_unnamed_for(self.params.get("platform"), platform, external_id)
        try:
            return mint_token(
                platform=platform, external_id=external_id, actor=self.actor, may_create=may_create, **self.body
            )
        except NotFound as error:
            self.record_missing_scope("mint_mindcloud_token", Scope.WRITE_END_USERS)
            needed = f"To create it, this token needs the scope {Scope.WRITE_END_USERS.value} as well."
            raise NotFound(f"{error.message} {needed}") from None

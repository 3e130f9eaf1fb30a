"""Shows the public half of signing keys by the vendor API."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.keys.models import SigningKey
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads
from credservice.vendor_api.paging import PageQuerySerializer, filtered, page, page_of


class SigningKeySerializer(serializers.Serializer[Any]):
    kid = serializers.CharField(help_text="The key's thumbprint (RFC 7638).")
    algorithm = serializers.CharField()
    state = serializers.ChoiceField(SigningKey.State.choices)
    public_jwk = serializers.DictField(help_text="The public half (RFC 7517).")
    created_at = serializers.DateTimeField()
    activates_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True, help_text="It is published until then.")


class SigningKeyQuerySerializer(PageQuerySerializer):
    state = serializers.ChoiceField(SigningKey.State.choices, required=False)
    algorithm = serializers.ChoiceField(SigningKey.Algorithm.choices, required=False)


class SigningKeys(VendorView):
    """The keys that our own tokens are signed with, retired ones included. ``/.well-known/jwks.json`` has the live."""

    @reads(
        "list_signing_keys",
        "List signing keys",
        scope=Scope.READ_SETUP,
        query=SigningKeyQuerySerializer,
        gives={200: page_of(SigningKeySerializer)},
    )
    def get(self, request: Request) -> Response:
        rows = SigningKey.objects.defer("sealed_private").filter(
            **filtered(self.params, state="state", algorithm="algorithm")
        )
        return page(request, rows, self.params, lambda found: list(SigningKeySerializer(found, many=True).data))


class OneSigningKey(VendorView):
    @reads(
        "read_signing_key",
        "Read a signing key's public half",
        scope=Scope.READ_SETUP,
        gives={200: SigningKeySerializer},
        tagged=True,
    )
    def get(self, request: Request, kid: str) -> Response:
        found = SigningKey.objects.defer("sealed_private").filter(kid=kid).first()
        if found is None:
            raise NotFound("There is no signing key with this kid.")
        return self.shown(SigningKeySerializer(found).data)

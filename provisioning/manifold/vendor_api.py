"""Shows and writes the master keys that are trusted for a marketplace, by the vendor API."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import Flag, StrictSerializer, Text
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import PageQuerySerializer, page, page_of
from credservice.vendor_api.setup import AcceptingSerializer, SetupView
from provisioning.vendor_api.lookups import find_marketplace


class TrustedKeySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    marketplace = serializers.CharField(source="marketplace.name")
    trusted_key = serializers.CharField(source="label", help_text="Its label.")
    public_key = serializers.CharField(help_text="Ed25519, base64url without padding.")
    is_enabled = serializers.BooleanField()
    is_test = serializers.BooleanField(help_text="A key for trials, whose private half others may hold.")
    ends_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class TrustedKeyPutSerializer(StrictSerializer):
    """Takes the fields to change; those that are left out stay as they are. A new one needs its public key."""

    public_key = Text(source="key", required=False, max_length=100, help_text="Ed25519: 32 bytes in any base64.")
    is_enabled = Flag(source="enabled", required=False)
    is_test = Flag(source="test", required=False)
    ends_at = serializers.DateTimeField(required=False, allow_null=True, help_text="null: never.")


class TrustedKeys(VendorView):
    @reads(
        "list_trusted_keys",
        "List the master keys that are trusted for a marketplace",
        scope=Scope.READ_SETUP,
        query=PageQuerySerializer,
        gives={200: page_of(TrustedKeySerializer)},
    )
    def get(self, request: Request, marketplace: str) -> Response:
        """The newest first, disabled and ended ones included."""
        rows = find_marketplace(marketplace).trusted_keys.select_related("marketplace")
        return page(request, rows, self.params, lambda found: list(TrustedKeySerializer(found, many=True).data))


class OneTrustedKey(SetupView):
    """Named by its label."""

    @reads(
        "read_trusted_key",
        "Read a trusted master key",
        scope=Scope.READ_SETUP,
        gives={200: TrustedKeySerializer},
        tagged=True,
    )
    def get(self, request: Request, marketplace: str, trusted_key: str) -> Response:
        rows = find_marketplace(marketplace).trusted_keys.select_related("marketplace")
        found = rows.filter(label=trusted_key).first()
        if found is None:
            raise NotFound("The marketplace has no trusted key with this label.")
        return self.shown(TrustedKeySerializer(found).data)

    @writes(
        "put_trusted_key",
        "Trust a master key, or change or disable it",
        scope=Scope.WRITE_TRUST,
        query=AcceptingSerializer,
        takes=TrustedKeyPutSerializer,
        gives={200: TrustedKeySerializer, 201: TrustedKeySerializer},
        problems=("answers_would_change",),
        tagged=True,
        examples={"A new one": {"public_key": "PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk"}},
    )
    def put(self, request: Request, marketplace: str, trusted_key: str) -> Response:
        """Let whoever holds its private half order. Another key under this label takes its place at once.

        The end of one by which a request was accepted within 24 hours is refused until you accept it.
        """
        rows = find_marketplace(marketplace).trusted_keys.select_related("marketplace").filter(label=trusted_key)
        path = ("marketplaces", marketplace, "trusted_keys", trusted_key)
        return self.put_entry(path, rows, TrustedKeySerializer)

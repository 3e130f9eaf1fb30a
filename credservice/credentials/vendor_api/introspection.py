"""Tells the vendor's product by the vendor API whether a presented key is good, and whose it is."""

from typing import Any

from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.credentials.key_lookup import CheckedKey, check_key
from credservice.http.strict_json import StrictJSONParser
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import StrictSerializer, Text
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads

TIMES = ("iat", "exp")


class PresentedKeySerializer(StrictSerializer):
    token = Text(help_text="The key that was presented.")
    token_type_hint = Text(required=False, allow_blank=True, help_text="Taken, as RFC 7662 has it, and not needed.")


class IntrospectionSerializer(serializers.Serializer[Any]):
    """Beside these: what the credential was made for, such as external_id, integration, resource, plan."""

    active = serializers.BooleanField()
    sub = serializers.CharField(required=False)
    credential = serializers.UUIDField(required=False)
    policy = serializers.CharField(required=False)
    iat = serializers.IntegerField(required=False, help_text="Seconds since 1970.")
    exp = serializers.IntegerField(required=False, help_text="Seconds since 1970; missing where it never ends.")


class Introspection(VendorView):
    """RFC 7662: is this key good, and whose is it. ``token`` comes form-encoded, as the RFC says, or as JSON."""

    parser_classes = [FormParser, StrictJSONParser]

    @reads(
        "introspect",
        "Check a presented key",
        scope=Scope.INTROSPECT,
        takes=PresentedKeySerializer,
        gives={200: IntrospectionSerializer},
        examples={"A key": {"token": "sk_live_..."}},
    )
    def post(self, request: Request) -> Response:
        checked = check_key(self.body["token"])
        return Response(_introspection(checked) if checked else {"active": False})


def _introspection(checked: CheckedKey) -> dict[str, Any]:
    # What it was made for comes first: a fact of a name that means something here does not stand in for it.
    body: dict[str, Any] = {
        **{name: value for name, value in checked.context.items() if value not in ("", None) and name not in TIMES},
        "active": True,
        "sub": checked.context.get("external_id") or checked.subject,
        "credential": str(checked.credential_id),
        "policy": checked.policy,
    }
    if checked.issued_at is not None:
        body["iat"] = int(checked.issued_at.timestamp())
    if checked.expires_at is not None:
        body["exp"] = int(checked.expires_at.timestamp())
    return body

"""Tells whoever has found a string which credentials it holds values of, by the vendor API."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.credentials.key_lookup import report_leak
from credservice.credentials.models import Credential
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import StrictSerializer, Text
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads


class LeakReportSerializer(StrictSerializer):
    text = Text(help_text="The bare string, or a whole log line with it.")


class LeakedCredentialSerializer(serializers.Serializer[Any]):
    credential = serializers.UUIDField(source="pk")
    policy = serializers.CharField(source="policy.name")
    state = serializers.ChoiceField(Credential.State.choices)
    subject = serializers.CharField()
    hint = serializers.CharField()


class LeakedCredentialsSerializer(serializers.Serializer[Any]):
    credentials = LeakedCredentialSerializer(many=True)


class LeakReport(VendorView):
    """Finds the credentials that a string holds values of. The string is stored nowhere."""

    @reads(
        "report_leak",
        "Ask which credential a string is",
        scope=Scope.REPORT_LEAKS,
        takes=LeakReportSerializer,
        gives={200: LeakedCredentialsSerializer},
        examples={"A log line": {"text": "GET /orders Authorization: Bearer sk_live_..."}},
    )
    def post(self, request: Request) -> Response:
        found = report_leak(self.body["text"], actor=self.actor)
        return Response(LeakedCredentialsSerializer({"credentials": found}).data)

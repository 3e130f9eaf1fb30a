"""Shows credential policies by the vendor API."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.credentials.models import CredentialPolicy
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads
from credservice.vendor_api.paging import PageQuerySerializer, filtered, page, page_of


class Seconds(serializers.IntegerField):
    """A length of time."""

    def to_representation(self, value: timedelta) -> int:  # type: ignore[override]
        return int(value.total_seconds())


class PolicySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    issuer = serializers.CharField(help_text="Its alias.")
    value_names = serializers.SerializerMethodField(help_text="Of each credential's values.")
    generates = serializers.SerializerMethodField(help_text="No: values are to be sent.")
    lifetime_seconds = Seconds(source="lifetime", allow_null=True)
    rotation_seconds = Seconds(source="rotation_period", allow_null=True)
    overlap_seconds = Seconds(source="overlap")
    multiple = serializers.BooleanField(help_text="Several credentials of one owner may be live at once.")
    created_at = serializers.DateTimeField()

    def get_value_names(self, policy: CredentialPolicy) -> list[str]:
        try:
            return list(policy.value_names())
        except ImproperlyConfigured:
            return []  # settings have lost its issuer: the list of policies is what tells which

    def get_generates(self, policy: CredentialPolicy) -> bool:
        try:
            return policy.backend().generates
        except ImproperlyConfigured:
            return False


class PolicyQuerySerializer(PageQuerySerializer):
    issuer = serializers.CharField(required=False, max_length=64)


class Policies(VendorView):
    """Shows how credentials are made. Set up in the console, or by ``manage.py apply``."""

    @reads(
        "list_policies",
        "List policies",
        scope=Scope.READ_SETUP,
        query=PolicyQuerySerializer,
        gives={200: page_of(PolicySerializer)},
    )
    def get(self, request: Request) -> Response:
        rows = CredentialPolicy.objects.filter(**filtered(self.params, issuer="issuer"))
        return page(request, rows, self.params, lambda found: list(PolicySerializer(found, many=True).data))


class OnePolicy(VendorView):
    @reads("read_policy", "Read a policy", scope=Scope.READ_SETUP, gives={200: PolicySerializer}, tagged=True)
    def get(self, request: Request, policy: str) -> Response:
        found = CredentialPolicy.objects.filter(name=policy).first()
        if found is None:
            raise NotFound("There is no policy of this name.")
        return self.shown(PolicySerializer(found).data)

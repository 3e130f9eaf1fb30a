"""Shows and writes credential policies by the vendor API."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import NotFound
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.vendor_api.serializers import NO_POLICY
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import Flag, JSONObject, Seconds, StrictSerializer, Text
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import PageQuerySerializer, filtered, page, page_of
from credservice.vendor_api.setup import AcceptingSerializer, SetupView


class PolicySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    issuer = serializers.CharField(help_text="Its alias.")
    options = serializers.DictField(help_text="The issuer's.")
    value_names = serializers.SerializerMethodField(help_text="Of each credential's values.")
    generates = serializers.SerializerMethodField(help_text="No: values are to be sent.")
    lifetime_seconds = Seconds(source="lifetime", allow_null=True)
    rotation_seconds = Seconds(source="rotation_period", allow_null=True)
    overlap_seconds = Seconds(source="overlap")
    stale_seconds = Seconds(source="stale_for")
    probe = serializers.DictField()
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


class PolicyPutSerializer(StrictSerializer):
    """Takes the fields to change; those that are left out stay as they are. Each is as in docs/set-up-file.md."""

    # Options say who is let in where, and a probe sends each new credential's values to its address. By its times an
    # old value could be kept good for ever.
    trusted = frozenset(
        {
            *("issuer", "options", "probe"),
            *("lifetime_seconds", "rotation_seconds", "overlap_seconds", "stale_seconds"),
        }
    )

    issuer = Text(required=False, max_length=64, help_text="An alias; it cannot change once it has made credentials.")
    options = JSONObject(required=False, help_text="The issuer's. Send the whole object.")
    lifetime_seconds = Seconds(
        source="lifetime",
        required=False,
        allow_null=True,
        help_text="null: its issuer's own; entered values then never expire.",
    )
    rotation_seconds = Seconds(source="rotation_period", required=False, allow_null=True, help_text="null: by hand.")
    overlap_seconds = Seconds(source="overlap", required=False)
    stale_seconds = Seconds(
        source="stale_for",
        required=False,
        help_text="A valid credential is handed out for so long after it was due, while its issuer is down.",
    )
    multiple = Flag(required=False)
    probe = JSONObject(required=False, help_text="A trial of each new credential; {}: none. Send the whole object.")


class PolicyQuerySerializer(PageQuerySerializer):
    issuer = serializers.CharField(required=False, max_length=64)

    def validate_issuer(self, alias: str) -> str:
        """Refuse one that there is not, as :class:`NameFilter` does; settings may have lost a policy's."""
        if alias not in settings.CREDENTIAL_ISSUERS and not CredentialPolicy.objects.filter(issuer=alias).exists():
            raise serializers.ValidationError("There is no issuer of this name.")
        return alias


class Policies(VendorView):
    """Shows how credentials are made."""

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


class OnePolicy(SetupView):
    """Named by its name."""

    @reads("read_policy", "Read a policy", scope=Scope.READ_SETUP, gives={200: PolicySerializer}, tagged=True)
    def get(self, request: Request, policy: str) -> Response:
        found = CredentialPolicy.objects.filter(name=policy).first()
        if found is None:
            raise NotFound(NO_POLICY)
        return self.shown(PolicySerializer(found).data)

    @writes(
        "put_policy",
        "Create or change a policy",
        scope=Scope.WRITE_SETUP,
        query=AcceptingSerializer,
        takes=PolicyPutSerializer,
        gives={200: PolicySerializer, 201: PolicySerializer},
        problems=("answers_would_change",),
        tagged=True,
        examples={"Keys that are made here": {"issuer": "api_key", "options": {"name": "apiKey", "prefix": "acme"}}},
    )
    def put(self, request: Request, policy: str) -> Response:
        """Keep what is left out as it is; a new one needs ``issuer``. Credentials that are there are left alone.

        What would change the answers of customers, or leave them without one, is refused until you accept it. So are
        other names of values, while resources of a marketplace have live credentials made by it, and other options,
        while installations, grants or resources get their next credentials by it.
        """
        return self.put_entry(("policies", policy), CredentialPolicy.objects.filter(name=policy), PolicySerializer)

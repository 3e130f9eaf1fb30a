"""The vendor API's routes about presented keys, leaked strings, policies and signing keys."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.credentials.checking import CheckedKey, check_key, report_leak
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.exceptions import NotFound
from credservice.http.strict_json import StrictJSONParser
from credservice.keys.models import SigningKey
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import StrictSerializer, Text
from credservice.vendor_api.listing import filtered, page_of
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads
from credservice.vendor_api.paging import PageQuerySerializer, page

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
    """Which credentials a string holds values of. The string is stored nowhere."""

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
    """How credentials are made. Set up in the console, or by ``manage.py apply``."""

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

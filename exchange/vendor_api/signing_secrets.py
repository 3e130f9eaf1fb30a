"""Shows, enters and retires the signing secrets of platforms by the vendor API. Their texts never go out."""

from datetime import timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.ago import ago
from credservice.core.exceptions import NotFound
from credservice.core.ids import find_ours
from credservice.keys.models import SigningSecret
from credservice.keys.rotation_progress import Stage, signs_with, stage_at_end
from credservice.keys.services import enter_secret_once, retire_secret
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.fields import OverlapSeconds, StrictSerializer, Text
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import reads, writes
from credservice.vendor_api.paging import PageQuerySerializer, page, page_of
from credservice.vendor_api.setup import AcceptingSerializer, require_accepted
from exchange.lookups import platform_of_name


class SigningSecretSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(SigningSecret.State.choices)
    hint = serializers.CharField(help_text="A keyed digest of the secret: tells secrets apart.")
    created_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True, help_text="From then on it verifies nothing.")
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="When it last verified a call; to the minute.")


class SigningSecretPostSerializer(StrictSerializer):
    secret = Text(max_length=1024, help_text="At least 24 bytes of random text. Sealed, and never shown.")
    overlap_seconds = OverlapSeconds()


class SigningSecrets(VendorView):
    @reads(
        "list_signing_secrets",
        "List a platform's signing secrets",
        scope=Scope.READ_SETUP,
        query=PageQuerySerializer,
        gives={200: page_of(SigningSecretSerializer)},
    )
    def get(self, request: Request, platform: str) -> Response:
        """The newest first, without their texts."""
        rows = platform_of_name(platform).secrets.secrets.defer("sealed")
        return page(request, rows, self.params, lambda found: list(SigningSecretSerializer(found, many=True).data))

    @writes(
        "enter_signing_secret",
        "Enter a platform's signing secret",
        scope=Scope.WRITE_TRUST,
        query=AcceptingSerializer,
        takes=SigningSecretPostSerializer,
        gives={200: SigningSecretSerializer, 201: SigningSecretSerializer},
        problems=("answers_would_change",),
        examples={"With a day's overlap": {"secret": "what openssl rand -base64 32 has printed"}},
    )
    def post(self, request: Request, platform: str) -> Response:
        """It becomes the current one, and the one before stays valid for a while. 200 where it is current already.

        Without an overlap it is refused until you accept it, where one that ends with it has verified a call.
        """
        secrets, overlap = platform_of_name(platform).secrets, timedelta(seconds=self.body["overlap_seconds"])
        used = signs_with(secrets)
        secret, is_new = enter_secret_once(
            secret_set=secrets, text=self.body["secret"], actor=self.actor, overlap=overlap
        )
        if is_new and not overlap and used and used.last_used_at:
            last = f"The platform signs with {used.hint}: it last verified a call {ago(used.last_used_at)}."
            require_accepted(self, f"{last} Every call is refused until the platform signs with the new secret.")
        return Response(SigningSecretSerializer(secret).data, status=201 if is_new else 200)


class OneSigningSecret(VendorView):
    """Named by our id."""

    @reads(
        "read_signing_secret",
        "Read a platform's signing secret, without its text",
        scope=Scope.READ_SETUP,
        gives={200: SigningSecretSerializer},
        tagged=True,
    )
    def get(self, request: Request, platform: str, signing_secret: str) -> Response:
        return self.shown(SigningSecretSerializer(_find(platform, signing_secret)).data)


class RetireSigningSecret(VendorView):
    @writes(
        "retire_signing_secret",
        "Retire a platform's signing secret",
        scope=Scope.WRITE_TRUST,
        query=AcceptingSerializer,
        gives={200: SigningSecretSerializer},
        problems=("answers_would_change",),
    )
    def post(self, request: Request, platform: str, signing_secret: str) -> Response:
        """A previous one verifies nothing from now on. The current one is replaced first. Repeating it is harmless.

        It is refused until you accept it, where calls may be signed with it still.
        """
        found = _find(platform, signing_secret)
        stage = stage_at_end(found)
        if found.last_used_at is not None and stage in (Stage.UNUSED, Stage.BOTH):
            last = f"It last verified a call {ago(found.last_used_at)}."
            require_accepted(self, f"{stage} {last} What is signed with it is refused from then on.")
        retire_secret(secret=found, actor=self.actor)
        return Response(SigningSecretSerializer(found).data)


def _find(platform: str, signing_secret: str) -> SigningSecret:
    found = find_ours(platform_of_name(platform).secrets.secrets.all(), signing_secret)
    if found is None:
        raise NotFound("This platform has no such signing secret.")
    return found

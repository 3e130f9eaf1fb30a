"""Shows credentials in the vendor API, and parses what is sent about them."""

from typing import Any

from rest_framework import serializers

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.vendor_api.fields import (
    MAX_OVERLAP,
    OVERLAP_HELP,
    Facts,
    Flag,
    NameFilter,
    Reason,
    StrictSerializer,
    Text,
    Values,
    Whole,
)
from credservice.vendor_api.paging import PageQuerySerializer

NO_POLICY = "There is no policy of this name."
ELSEWHERE = (
    "Credentials of other lines that have a secret of it, whoever's, are marked as leaked, too, and their retiring "
    "versions end."
)


class CredentialSerializer(serializers.Serializer[Any]):
    """Everything about a credential but its values."""

    id = serializers.UUIDField()
    policy = serializers.CharField(source="policy.name")
    state = serializers.ChoiceField(Credential.State.choices)
    suspended = serializers.BooleanField(help_text="Its subject is suspended: it is no good while so.")
    subject = serializers.CharField(help_text="Whose it is: end_user:ID or resource:ID; empty: nobody's.")
    context = serializers.DictField(help_text="What it was made for.")  # type: ignore[assignment] # a field's name
    hint = serializers.CharField(help_text="Enough to tell it from others, not enough to use it.")
    line = serializers.UUIDField(help_text="The first one of its line of successors.")
    predecessor = serializers.UUIDField(source="predecessor_id", allow_null=True)
    failure = serializers.CharField(help_text="Why it could not be made or ended.")
    created_at = serializers.DateTimeField()
    activated_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    rotates_at = serializers.DateTimeField(allow_null=True, help_text="It is rotated by schedule then.")
    retires_at = serializers.DateTimeField(allow_null=True, help_text="It stays good until then, and is revoked.")
    ended_at = serializers.DateTimeField(allow_null=True)
    outside = serializers.ChoiceField(
        [("", "nothing"), *Credential.Outside.choices],
        help_text="What may be left of it outside after its end, where its issuer cannot end it; empty: nothing.",
    )
    shared_with = serializers.UUIDField(
        allow_null=True,
        help_text="While it may still work outside: the good version of its line that has values of it too. Where "
        "there is none, and you read this one by itself: a credential of another line that has a secret of it, perhaps "
        "another customer's, also after you have confirmed its end; there may be more. End only its others there. No "
        "part of the ETag.",
    )
    leaked_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When it was first reported as leaked, or a credential with a secret of it was. While it is handed "
        "out, it is so until you rotate it as leaked.",
    )
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was last introspected, to the minute. No part of the ETag."
    )


class CredentialQuerySerializer(PageQuerySerializer):
    state = serializers.ChoiceField(Credential.State.choices, required=False)
    policy = NameFilter(CredentialPolicy, "name", NO_POLICY, max_length=128, help_text="Its name.")
    subject = serializers.CharField(required=False, max_length=255)
    line = serializers.UUIDField(required=False)
    hint = serializers.CharField(required=False, max_length=64)
    outside = serializers.ChoiceField(
        [choice for choice in Credential.Outside.choices if choice[0] in Credential.UNCONFIRMED],
        required=False,
        help_text="open or leaked: what has ended here, and you have to end in your product.",
    )
    leaked = serializers.BooleanField(
        required=False,
        help_text="true: those that were reported as leaked; with state=active, and with state=retiring, what you have "
        "to rotate.",
    )
    lacks_value = serializers.BooleanField(
        required=False,
        help_text="true: those handed out now that were made before their policy had all its value_names.",
    )


class CredentialOrderSerializer(StrictSerializer):
    """A new credential that no grant hands out. To hand one out through the exchange, put a grant."""

    policy = Text(max_length=128, help_text="Its name.")
    subject = Text(max_length=255, required=False, default="", allow_blank=True, help_text="end_user:ID, resource:ID.")
    context = Facts(  # type: ignore[assignment] # a field's name
        required=False, help_text="What it is for; introspection answers it. No secrets."
    )
    values = Values(required=False, help_text="For a policy that makes none itself.")


class CredentialValuesSerializer(StrictSerializer):
    values = Values(help_text="Each of the policy's, by name.")
    overlap_seconds = Whole(
        required=False, min_value=0, max_value=MAX_OVERLAP, help_text=f"The current ones stay valid for; {OVERLAP_HELP}"
    )


class RotationSerializer(StrictSerializer):
    leaked = Flag(
        required=False,
        default=False,
        help_text="The current one ends as soon as its successor is there, and is handed out until then. To end it at "
        f"once, revoke it. Retiring versions that have a secret of it end now, as leaked. {ELSEWHERE}",
    )
    overlap_seconds = Whole(
        required=False, min_value=0, max_value=MAX_OVERLAP, help_text=f"The current one stays valid for; {OVERLAP_HELP}"
    )
    force_reason = Reason(required=False, min_length=3, help_text="Abandons a rotation that is pending; for the trail.")
    values = Values(required=False, help_text="The successor's, for a policy that makes none itself.")
    reason = Reason(required=False, min_length=3, help_text="Why it is rotated, for the trail.")

    def validate(self, attrs: Any) -> Any:
        if attrs["leaked"] and attrs.get("overlap_seconds"):
            raise serializers.ValidationError({"overlap_seconds": ["A leaked one has no overlap: leave this out."]})
        return attrs


class RevocationSerializer(StrictSerializer):
    reason = Reason(
        min_length=3, help_text="Why it ends, for the trail; also where you only say that you have ended it outside."
    )
    predecessors = Flag(
        required=False, default=False, help_text="Ends the retiring ones of its line too: they are good until then."
    )
    leaked = Flag(
        required=False,
        default=False,
        help_text="Its values are erased at once. Retiring versions of its line that have a secret of it end too, as "
        f"leaked; the active one is marked as leaked, and is handed out until you rotate it as leaked. {ELSEWHERE}",
    )
    ended_outside = Flag(
        required=False, default=False, help_text="You have ended it in your product, which its issuer cannot."
    )


class RevelationSerializer(StrictSerializer):
    reason = Reason(min_length=3)


class RevealedSerializer(serializers.Serializer[Any]):
    values = serializers.DictField(child=serializers.CharField())

"""Keeps marketplaces, and the keys by which we know that a request is theirs."""

import uuid
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from credservice.core.names import AddressNameField, NameField
from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField, place_of
from provisioning.protocols import Protocol, get_protocol, protocol_choices

public_key_form = RegexValidator(r"\A[A-Za-z0-9_-]{43}\Z", "Write 32 bytes in base64url without padding.")


class Marketplace(models.Model):
    """One marketplace account: its connector, our OAuth client there, and the master keys that we trust for it."""

    class SignOn404(models.TextChoices):
        REFUSE = "refuse", "refuse the user"
        ALLOW = "allow", "let in where the connector does not find it for us either"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = AddressNameField(max_length=64, unique=True)
    protocol_name = models.CharField(
        "protocol",
        max_length=32,
        choices=protocol_choices,
        default="manifold",
        db_default="manifold",
        help_text="How it speaks. It cannot change.",
    )
    is_active = models.BooleanField(default=True, help_text="A suspended marketplace is refused everything.")
    connector_url = models.URLField(
        "connector URL", max_length=255, blank=True, help_text="Such as https://api.connector.manifold.co/v1"
    )
    client_id = NameField(max_length=255, blank=True)
    sealed_client_secret = SealedField(null=True, editable=False, bound_to=("connector_url",))
    rotates = models.BooleanField(
        default=False,
        help_text="Scheduled rotations are asked of its connector (alpha there), which then swaps the credentials. "
        "Otherwise they are rotated here, and it sees the new values when it asks again.",
    )
    sign_on_404 = models.CharField(
        "404 at sign-on",
        max_length=8,
        choices=SignOn404,
        default=SignOn404.REFUSE,
        db_default=SignOn404.REFUSE,
        help_text="When its connector does not find the resource that a user signs on to. To let them in is for the "
        "marketplace's own checker, whose connector forgets resources; it is refused in production.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [("suspend_marketplace", "Can suspend and resume a marketplace")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """Name it in the audit log, where its lines and those of its keys, passwords and products are found by it."""
        return f"marketplace:{self.pk}"

    def clean(self) -> None:
        if self.sign_on_404 == self.SignOn404.ALLOW and settings.PRODUCTION:
            raise ValidationError({"sign_on_404": "This is for checkers, and refused in production: refuse the user."})
        if self.protocol_name not in dict(protocol_choices()):
            return  # the field's own rule says so
        self.protocol.check()
        if Marketplace.objects.filter(pk=self.pk).exclude(protocol_name=self.protocol_name).exists():
            raise ValidationError({"protocol_name": "It cannot change. Add another marketplace."})

    @property
    def lets_in_forgotten(self) -> bool:
        """Tell if a user may sign on to a resource that its connector has forgotten; in production never."""
        return self.sign_on_404 == self.SignOn404.ALLOW and not settings.PRODUCTION

    @property
    def protocol(self) -> "Protocol[Marketplace]":
        """Make the protocol that it speaks, to ask it something."""
        return get_protocol(self.protocol_name)(self)

    @property
    def client_secret_place(self) -> Place:
        return place_of(self, "sealed_client_secret")

    def open_client_secret(self) -> str:
        return unseal(bytes(self.sealed_client_secret or b""), self.client_secret_place).decode()


class TrustedKeyQuerySet(models.QuerySet["TrustedKey"]):
    def live(self, now: datetime | None = None) -> "TrustedKeyQuerySet":
        """Keep those that may endorse now."""
        unended = models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=now or timezone.now())
        return self.filter(unended, is_enabled=True, marketplace__is_active=True)


class TrustedKey(models.Model):
    """A master key whose endorsement of a live key we accept. Tells which marketplace a request came from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.CASCADE, related_name="trusted_keys")
    label = NameField(max_length=128)
    public_key = models.CharField(
        max_length=43, unique=True, validators=[public_key_form], help_text="Ed25519, base64url without padding."
    )
    is_enabled = models.BooleanField(default=True)
    is_test = models.BooleanField(default=False, help_text="A key for trials, whose private half others may hold.")
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TrustedKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "label"], name="provisioning_trustedkey_label"),
        ]

    def __str__(self) -> str:
        return f"{self.marketplace}: {self.label}"

    def clean(self) -> None:
        if self.marketplace_id is not None and "trusted_keys" not in self.marketplace.protocol.settings:
            raise ValidationError({"marketplace": "This marketplace's protocol signs nothing: it has no keys."})

    @property
    def subject(self) -> str:
        return self.marketplace.subject

    @cached_property
    def audit_facts(self) -> dict[str, object]:
        return {
            "marketplace": self.marketplace.name,
            "label": self.label,
            "public_key": self.public_key,
            "is_test": self.is_test,
            "ends_at": self.ends_at.isoformat() if self.ends_at else None,
        }


class LiveKey(models.Model):
    """A live key that a trusted key endorsed. The endorsement is remembered, so that it is verified once."""

    trusted_key = models.ForeignKey(TrustedKey, on_delete=models.CASCADE, related_name="live_keys")
    public_key = models.CharField(max_length=43)
    endorsement = models.CharField(max_length=86)
    is_denied = models.BooleanField(default=False, help_text="Refuse what this key signs; endorsements never expire.")
    first_used_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_key", "trusted_key"], name="provisioning_livekey_once"),
        ]

    def __str__(self) -> str:
        return self.public_key

    @property
    def subject(self) -> str:
        return self.trusted_key.subject

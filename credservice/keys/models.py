"""Signing secrets: what we verify a partner's requests with, or sign our own with. Shared, HMAC.

Signing keys: what our own tokens are signed with; their public halves are at ``/.well-known/jwks.json``.
"""

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField

if TYPE_CHECKING:
    from joserfc.jwk import Key

ROTATE_AFTER = timedelta(days=180)


class SigningSecretSet(models.Model):
    """The secrets of one relation, such as a platform: one current, and previous ones until their end."""

    class Form(models.TextChoices):
        TEXT = "text", "Text"
        WEBHOOK = "whsec", "Standard Webhooks"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    label = models.CharField(max_length=255)
    form = models.CharField(max_length=16, default=Form.TEXT, help_text="How its secrets are written.")

    def __str__(self) -> str:
        return self.label

    @property
    def is_ours(self) -> bool:
        """Whether we sign with its secrets, and do not only verify."""
        return self.form == self.Form.WEBHOOK

    def live(self, now: datetime | None = None) -> "models.QuerySet[SigningSecret]":
        """Those that a signature may be made with now, the current one first."""
        return self.secrets.live(now)


class SigningSecretQuerySet(models.QuerySet["SigningSecret"]):
    def live(self, now: datetime | None = None) -> "models.QuerySet[SigningSecret]":
        now = now or timezone.now()
        unended = models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=now)
        states = [SigningSecret.State.CURRENT, SigningSecret.State.PREVIOUS]
        return self.filter(unended, state__in=states).order_by("state", "-created_at")


class SigningSecret(models.Model):
    """One shared secret. Its text is sealed, and leaves again only through an audited reveal."""

    class State(models.TextChoices):
        PENDING = "pending"
        CURRENT = "current"
        PREVIOUS = "previous"
        RETIRED = "retired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    secret_set = models.ForeignKey(SigningSecretSet, on_delete=models.CASCADE, related_name="secrets")
    state = models.CharField(max_length=16, choices=State, default=State.CURRENT)
    sealed = SealedField()
    hint = models.CharField(max_length=16, help_text="A keyed digest of the secret: tells secrets apart.")
    generated = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField(null=True, blank=True, help_text="From then on it verifies nothing.")

    objects = SigningSecretQuerySet.as_manager()

    class Meta:
        permissions = [
            ("reveal_signingsecret", "Can reveal a signing secret"),
            ("retire_signingsecret", "Can retire a signing secret"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["secret_set"], condition=models.Q(state="current"), name="keys_signingsecret_one_current"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="previous") | models.Q(ends_at__isnull=False),
                name="keys_signingsecret_previous_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hint} ({self.state})"

    @property
    def place(self) -> Place:
        return Place("keys.signingsecret", self.pk, "sealed")

    def open(self) -> bytes:
        """The secret's bytes, for verifying or signing."""
        return unseal(bytes(self.sealed), self.place)


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def published(self) -> "models.QuerySet[SigningKey]":
        """Those whose public half verifies tokens now, or will; in no need of a job that retires them in time."""
        unended = models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=timezone.now())
        states = [SigningKey.State.PENDING, SigningKey.State.CURRENT, SigningKey.State.PREVIOUS]
        return self.filter(unended, state__in=states).order_by("algorithm", "-created_at")

    def to_rotate(self) -> "models.QuerySet[SigningKey]":
        """Current keys that have signed for half a year, and whose successor is not pending: for reminders."""
        pending = self.filter(state=SigningKey.State.PENDING).values("algorithm")
        old = self.filter(state=SigningKey.State.CURRENT, activated_at__lte=timezone.now() - ROTATE_AFTER)
        return old.exclude(algorithm__in=pending)


class SigningKey(models.Model):
    """A key pair that our own tokens are signed with. The private half is sealed, and erased when it is retired."""

    class Algorithm(models.TextChoices):
        EDDSA = "EdDSA", "EdDSA (Ed25519)"
        ES256 = "ES256", "ES256 (P-256)"
        RS256 = "RS256", "RS256 (RSA, 3072 bits)"

    class State(models.TextChoices):
        PENDING = "pending"
        CURRENT = "current"
        PREVIOUS = "previous"
        RETIRED = "retired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    algorithm = models.CharField(max_length=16, choices=Algorithm)
    kid = models.CharField(max_length=64, unique=True, help_text="The key's thumbprint (RFC 7638).")
    public_jwk = models.JSONField("public JWK", editable=False)
    sealed_private = SealedField(null=True)
    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    created_at = models.DateTimeField(auto_now_add=True)
    activates_at = models.DateTimeField(help_text="It signs from then on; it is published before.")
    activated_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True, help_text="It is published until then: no token of it lives longer.")

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        permissions = [
            ("activate_signingkey", "Can activate a pending signing key"),
            ("retire_signingkey", "Can retire a signing key"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["algorithm"], condition=models.Q(state="current"), name="keys_signingkey_one_current"
            ),
            models.UniqueConstraint(
                fields=["algorithm"], condition=models.Q(state="pending"), name="keys_signingkey_one_pending"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="previous") | models.Q(ends_at__isnull=False),
                name="keys_signingkey_previous_ends",
            ),
            models.CheckConstraint(
                condition=models.Q(state="retired", sealed_private__isnull=True)
                | (~models.Q(state="retired") & models.Q(sealed_private__isnull=False)),
                name="keys_signingkey_private_until_retired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} {self.kid[:8]} ({self.state})"

    @property
    def place(self) -> Place:
        return Place("keys.signingkey", self.pk, "sealed_private")

    def is_due(self, now: datetime) -> bool:
        return self.state == self.State.PENDING and self.activates_at <= now

    def open(self) -> "Key":
        """The private key, for signing. Raises :class:`credservice.crypto.SealError`, also for a retired one."""
        from credservice.keys.jose import import_private

        return import_private(self.pk, unseal(bytes(self.sealed_private or b""), self.place))

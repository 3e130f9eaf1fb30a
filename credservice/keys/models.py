"""Signing secrets: what we verify a partner's requests with, or sign our own with. Shared, HMAC."""

import uuid
from datetime import datetime

from django.db import models
from django.utils import timezone

from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField


class SigningSecretSet(models.Model):
    """The secrets of one relation, such as a platform: one current, and previous ones until their end."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    label = models.CharField(max_length=255)

    def __str__(self) -> str:
        return self.label

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
        permissions = [("reveal_signingsecret", "Can reveal a signing secret")]
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

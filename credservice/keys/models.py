"""Keeps signing secrets (shared, HMAC), which verify a partner's requests or sign our own, and signing keys.

Signing keys sign our own tokens; their public halves are at ``/.well-known/jwks.json``.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone
from joserfc.jwk import Key

from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField, place_of
from credservice.keys.jose import encode, import_private

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
        """Tell if we sign with its secrets, and do not only verify."""
        return self.form == self.Form.WEBHOOK

    def live(self, now: datetime | None = None) -> "models.QuerySet[SigningSecret]":
        """Find those that a signature may be made with now, the current one first."""
        return self.secrets.live(now)


class SigningSecretQuerySet(models.QuerySet["SigningSecret"]):
    def live(self, now: datetime | None = None) -> "models.QuerySet[SigningSecret]":
        now = now or timezone.now()
        unended = models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=now)
        states = [SigningSecret.State.CURRENT, SigningSecret.State.PREVIOUS]
        return self.filter(unended, state__in=states).order_by("state", "-created_at")


class SigningSecret(models.Model):
    """One shared secret. Its text is sealed, leaves only through an audited reveal, and is erased after its end."""

    class State(models.TextChoices):
        PENDING = "pending"
        CURRENT = "current"
        PREVIOUS = "previous"
        RETIRED = "retired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    secret_set = models.ForeignKey(SigningSecretSet, on_delete=models.CASCADE, related_name="secrets")
    state = models.CharField(max_length=16, choices=State, default=State.CURRENT)
    sealed = SealedField(null=True, bound_to=("secret_set_id",))
    hint = models.CharField(max_length=16, help_text="A keyed digest of the secret: tells secrets apart.")
    generated = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField(null=True, blank=True, help_text="From then on it verifies nothing.")
    last_used_at = models.DateTimeField(null=True, help_text="When it last verified a call; to the minute.")

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
            models.CheckConstraint(
                condition=~models.Q(state__in=["pending", "current"]) | models.Q(sealed__isnull=False),
                name="keys_signingsecret_live_has_text",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hint} ({self.state})"

    @property
    def audit_facts(self) -> dict[str, str]:
        return {"hint": self.hint, "set": str(self.secret_set_id)}

    @property
    def place(self) -> Place:
        return place_of(self, "sealed")

    def open(self) -> bytes:
        """Open the secret's bytes, for verifying or signing. Raises :class:`SealError`, also for an erased one."""
        return unseal(bytes(self.sealed or b""), self.place)


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def published(self) -> "models.QuerySet[SigningKey]":
        """Find those whose public half verifies tokens now, or will; needs no job that retires them in time."""
        unended = models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=timezone.now())
        states = [SigningKey.State.PENDING, SigningKey.State.CURRENT, SigningKey.State.PREVIOUS]
        return self.filter(unended, state__in=states).order_by("algorithm", "-created_at")

    def to_rotate(self) -> "models.QuerySet[SigningKey]":
        """Find current keys that have signed for half a year, and whose successor is not pending: for reminders."""
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
    def audit_facts(self) -> dict[str, str]:
        return {"kid": self.kid, "algorithm": self.algorithm}

    @property
    def place(self) -> Place:
        return place_of(self, "sealed_private")

    def is_due(self, now: datetime) -> bool:
        return self.state == self.State.PENDING and self.activates_at <= now

    def may_have_live_tokens(self, now: datetime) -> bool:
        """Tell if a token that it signed may not have ended yet."""
        return self.activated_at is not None and (self.ends_at is None or self.ends_at > now)

    def open(self) -> Key:
        """Open the private key, for signing. Raises :class:`credservice.crypto.SealError`, also for a retired one."""
        return import_private(self.pk, unseal(bytes(self.sealed_private or b""), self.place))

    def sign_token(self, claims: Mapping[str, Any], *, typ: str = "JWT") -> str:
        """Sign a compact JWT. Its own ``typ`` keeps a kind of token from being taken for another (RFC 8725, 3.11)."""
        return encode(claims, self.open(), algorithm=self.algorithm, kid=self.kid, typ=typ)

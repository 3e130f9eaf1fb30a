"""Credentials and the policies that they are made by."""

import uuid
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models
from django.utils import timezone

from credservice.crypto import Place, unseal_values
from credservice.crypto.fields import SealedField
from credservice.issuers import get_issuer
from credservice.issuers.base import Issuer, OptionsError


class CredentialPolicy(models.Model):
    """Which issuer makes a credential, with what options, and how long it lives."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(max_length=128, unique=True)
    issuer = models.CharField(max_length=64, help_text="An alias in CREDENTIAL_ISSUERS.")
    options = models.JSONField(default=dict, blank=True, help_text="The issuer's options, a JSON object.")
    lifetime = models.DurationField(
        null=True, blank=True, help_text="Each credential expires after this; empty: never."
    )
    rotation_period = models.DurationField(null=True, blank=True, help_text="Rotate after this; empty: by hand.")
    overlap = models.DurationField(
        default=timedelta(hours=24), help_text="How long the predecessor stays good after a rotation."
    )
    multiple = models.BooleanField(default=True, help_text="Several credentials of one owner may be live at once.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "credential policies"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(lifetime__isnull=True) | models.Q(lifetime__gt=models.F("overlap")),
                name="credentials_policy_lifetime_over_overlap",
                violation_error_message="The lifetime must be longer than the overlap.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def backend(self) -> Issuer:
        return get_issuer(self.issuer)

    def value_names(self) -> tuple[str, ...]:
        """The names of the values of every credential made by this policy."""
        return self.backend().value_names(self.options)

    def clean(self) -> None:
        """Raises ValidationError where credentials could not be made by this policy."""
        if not isinstance(self.options, dict):
            raise ValidationError({"options": "Write a JSON object."})
        try:
            self.backend().check_options(self.options)
        except ImproperlyConfigured as error:
            raise ValidationError({"issuer": str(error)}) from None
        except OptionsError as error:
            raise ValidationError({"options": f"{error}."}) from None


class CredentialQuerySet(models.QuerySet["Credential"]):
    def unended(self) -> "CredentialQuerySet":
        """Those that work, or may yet."""
        return self.filter(state__in=Credential.UNENDED)


class Credential(models.Model):
    """A set of named values made by an issuer: sealed, with a state, an expiry and a predecessor.

    The successors of a credential share its ``line``, the id of the first one; at most one of a line is active. So
    whoever is granted a line always gets its newest credential.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"
        RETIRING = "retiring"
        REVOKED = "revoked"
        FAILED = "failed"
        EXPIRED = "expired"

    UNENDED = (State.PENDING, State.ACTIVE, State.RETIRING)
    USABLE = (State.ACTIVE, State.RETIRING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    policy = models.ForeignKey(CredentialPolicy, on_delete=models.PROTECT, related_name="credentials")
    line = models.UUIDField(editable=False, help_text="The id of the first credential of this line of successors.")
    predecessor = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="successor", editable=False
    )
    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    sealed_values = SealedField(null=True)
    subject = models.CharField(max_length=255, blank=True, help_text="Whose it is: end_user:... or resource:...")
    context = models.JSONField(default=dict, help_text="What it was made for; given to the issuer. No secrets.")
    handle = models.JSONField(default=dict, help_text="What the issuer needs to revoke it. No secrets.")
    lookup = models.BinaryField(null=True, unique=True, max_length=36, editable=False)
    hint = models.CharField(max_length=64, blank=True)
    failure = models.CharField(max_length=255, blank=True, help_text="Why it could not be made or ended.")
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    retires_at = models.DateTimeField(null=True, help_text="A retiring credential is revoked then.")
    ended_at = models.DateTimeField(null=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line"], condition=models.Q(state="active"), name="credentials_one_active_of_a_line"
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["active", "retiring"]) | models.Q(sealed_values__isnull=False),
                name="credentials_usable_has_values",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="retiring") | models.Q(retires_at__isnull=False),
                name="credentials_retiring_has_end",
            ),
        ]
        indexes = [
            models.Index(fields=["line"], name="credentials_line"),
            models.Index(fields=["subject"], name="credentials_subject"),
            models.Index(
                fields=["expires_at"], condition=models.Q(state__in=["active", "retiring"]), name="credentials_expiry"
            ),
            models.Index(fields=["retires_at"], condition=models.Q(state="retiring"), name="credentials_retiring"),
            models.Index(fields=["created_at"], condition=models.Q(state="pending"), name="credentials_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.hint or self.pk} ({self.state})"

    @property
    def place(self) -> Place:
        return Place("credentials.credential", self.pk, "sealed_values")

    def open(self) -> dict[str, str]:
        """The named values. Raises :class:`credservice.crypto.SealError`."""
        return unseal_values(bytes(self.sealed_values or b""), self.place)

    def is_usable(self) -> bool:
        """Whether it may be handed out now: live, and neither expired nor past its retirement."""
        now = timezone.now()
        ends = [end for end in (self.expires_at, self.retires_at) if end is not None]
        return self.state in self.USABLE and all(now < end for end in ends)

"""Keeps the service tokens of the vendor's own systems, and the answers to writes that they may repeat."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

from credservice.core.names import NameField
from credservice.crypto import Place
from credservice.crypto.fields import SealedField, place_of
from credservice.http.client_address import parse_networks


class Scope(models.TextChoices):
    """A right of a token. Each route names the one that it needs."""

    READ_SETUP = (
        "setup:read",
        "Read platforms, integrations, policies, marketplaces, products and their keys",
    )
    WRITE_SETUP = "setup:write", "Change the set-up, but not who is believed, what is handed out, or where it goes"
    WRITE_TRUST = "trust:write", "Enter and end keys; change who is believed, what is handed out, and where it goes"
    READ_END_USERS = "end-users:read", "Read end users"
    WRITE_END_USERS = "end-users:write", "Register, change, suspend and resume end users"
    READ_INSTALLATIONS = "installations:read", "Read installations"
    WRITE_INSTALLATIONS = "installations:write", "Approve, refuse, suspend and resume installations"
    READ_GRANTS = "grants:read", "Read grants"
    WRITE_GRANTS = "grants:write", "Grant credentials to end users, and withdraw them"
    READ_CREDENTIALS = "credentials:read", "Read credentials, without their values"
    WRITE_CREDENTIALS = "credentials:write", "Make, replace, rotate and revoke credentials"
    REVEAL_CREDENTIALS = "credentials:reveal", "Read the values of credentials"
    INTROSPECT = "credentials:introspect", "Check presented keys"
    REPORT_LEAKS = "credentials:report-leaks", "Ask which credential a string is"
    READ_RESOURCES = "resources:read", "Read resources and their credentials' ids"
    WRITE_RESOURCES = "resources:write", "Suspend and resume resources"
    REPORT_USAGE = "usage:write", "Report usage of metered features"
    MINT_TOKENS = "mindcloud-tokens:mint", "Mint browser tokens of MindCloud's"
    IMPORT = "bulk:write", "Register end users and grant credentials in bulk"
    EXPORT = "export:read", "Export everything but secrets"
    READ_EVENTS = "events:read", "Read event endpoints and deliveries"
    REPLAY_EVENTS = "events:replay", "Send events again, and test events"
    READ_AUDIT = "audit:read", "Read the audit trail"
    REDEEM_SIGN_ON = "sso:redeem", "Redeem the tokens of users whom a marketplace sends"


# Each lets its holder get at values, by itself or by what it lets in.
REVEALING = (Scope.REVEAL_CREDENTIALS, Scope.WRITE_TRUST)


def scope_choices() -> list[tuple[str, str]]:
    """``choices`` by name, so that a new scope needs no migration."""
    return Scope.choices


class ServiceToken(models.Model):
    """A bearer token of one of the vendor's systems. Only its keyed digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = NameField(max_length=128)
    digest = models.BinaryField(max_length=36, unique=True, editable=False)
    hint = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=64, choices=scope_choices))
    networks = models.JSONField(default=list, blank=True, help_text="CIDR networks it may call from. Empty: any.")
    requests_per_minute = models.PositiveIntegerField(default=6000)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute.")

    class Meta:
        permissions = [("revoke_servicetoken", "Can revoke a service token")]
        ordering = ["name", "-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(revoked_at=None), name="vendor_api_servicetoken_live_name"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_facts(self) -> dict[str, object]:
        return {"name": self.name, "hint": self.hint, "scopes": self.scopes}

    def clean(self) -> None:
        try:
            parse_networks(tuple(str(network) for network in self.networks))
        except (TypeError, ValueError) as error:
            raise ValidationError({"networks": f"{error}."}) from None


class IdempotentCall(models.Model):
    """A write that a token named by an ``Idempotency-Key``, and its answer, for whoever repeats it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.ForeignKey(ServiceToken, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=36, help_text="Keyed digest of method, path and body.")
    sealed_answer = SealedField(null=True, bound_to=("token_id", "key", "fingerprint"))
    is_final = models.BooleanField(default=False, help_text="No: what follows its transaction is still under way.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="vendor_api_idempotentcall_once")]
        indexes = [models.Index(fields=["created_at"], name="vendor_api_idempotentcall_age")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def place(self) -> Place:
        return place_of(self, "sealed_answer")

"""Service tokens: how the vendor's own systems prove who they are."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

from credservice.http.client_address import parse_networks


class Scope(models.TextChoices):
    """What a token may do. Each route names the one that it needs."""

    INTROSPECT = "credentials:introspect", "Check presented keys"
    REPORT_LEAKS = "credentials:report-leaks", "Ask which credential a string is"
    REPORT_USAGE = "usage:write", "Report usage of metered features"


def scope_choices() -> list[tuple[str, str]]:
    """``choices`` by name, so that a new scope needs no migration."""
    return Scope.choices


class ServiceToken(models.Model):
    """A bearer token of one of the vendor's systems. Only its keyed digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=128, unique=True)
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
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            parse_networks(tuple(str(network) for network in self.networks))
        except (TypeError, ValueError) as error:
            raise ValidationError({"networks": f"{error}."}) from None

"""Keeps whose turn it is to work at a credential."""

from django.db import models


class Lease(models.Model):
    """Gives one caller the turn to call the issuer for a credential, or what else is done once: credentials.locks."""

    # Of the credential, or the other; a foreign key would lock its row.
    id = models.UUIDField(primary_key=True, editable=False)
    holder = models.UUIDField()
    ends_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.id} until {self.ends_at}"

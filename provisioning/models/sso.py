"""Keeps who came from a marketplace to see a resource: our own sessions, and hand-overs to a vendor's dashboard.

A row is there as long as it is good, and deleted when it ends: what has happened is in the trail.
"""

import uuid

from django.db import models

from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField, place_of
from provisioning.models.orders import Resource

USER_LENGTH = 64


class ResourceSession(models.Model):
    """A user of a marketplace who may see one resource, and nothing else. The browser's token is kept as a digest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="sessions")
    digest = models.BinaryField(max_length=36, unique=True, editable=False)
    # "None of this data should be stored" (Connector API): the id alone, which the trail needs.
    user = models.CharField(max_length=USER_LENGTH, blank=True, help_text="The marketplace's id of its user.")
    # "The granted access token should be stored securely" (Provider API, "Accessing your dashboard").
    sealed_token = SealedField(bound_to=("digest", "resource_id", "resource__marketplace__connector_url"))
    started_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        permissions = [("end_resourcesession", "Can sign a marketplace's user out of a resource's page")]
        indexes = [models.Index(fields=["expires_at"], name="provisioning_session_expiry")]

    def __str__(self) -> str:
        return f"{self.user or 'unknown'} until {self.expires_at:%Y-%m-%d %H:%M}"

    @property
    def place(self) -> Place:
        return place_of(self, "sealed_token")

    def open_token(self) -> str:
        """Open the user's access token at the connector. Raises :class:`credservice.crypto.SealError`."""
        return unseal(bytes(self.sealed_token), self.place).decode()


class HandOver(models.Model):
    """A token that lets a user into the vendor's dashboard, until it is redeemed. Kept as a digest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=36, unique=True, editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="provisioning_handover_expiry")]

    def __str__(self) -> str:
        return str(self.pk)

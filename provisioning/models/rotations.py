"""Keeps the rotations that we ask a marketplace for."""

import uuid

from django.db import models

from provisioning.models.orders import ResourceCredential


class CredentialRotation(models.Model):
    """We have asked the marketplace to replace a credential of a resource (``PUT /credential-rotations/:id``, alpha).

    Acknowledged, the marketplace makes another credential and deletes this one, by the calls that it always makes.
    """

    class State(models.TextChoices):
        ASKING = "asking"  # not acknowledged yet
        ACKNOWLEDGED = "acknowledged"  # the swap is the marketplace's to do
        DONE = "done"  # the credential has been deleted
        REFUSED = "refused"  # the connector does not take it
        CLOSED = "closed"  # by an operator

    LIVE = (State.ASKING, State.ACKNOWLEDGED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partner_id = models.CharField("rotation id", max_length=29, unique=True, help_text="Ours, for repetitions.")
    resource_credential = models.ForeignKey(ResourceCredential, on_delete=models.PROTECT, related_name="rotations")
    reason = models.CharField(max_length=256, help_text="As the marketplace's user may read it.")
    state = models.CharField(max_length=16, choices=State, default=State.ASKING)
    failure = models.CharField(max_length=255, blank=True, help_text="Why the last attempt came to nothing.")
    attempts = models.PositiveIntegerField(default=0, help_text="Attempts that came to nothing.")
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    acknowledged_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        permissions = [("ask_credentialrotation", "Can ask a marketplace for a rotation, and close one")]
        constraints = [
            models.UniqueConstraint(
                fields=["resource_credential"],
                condition=models.Q(state__in=["asking", "acknowledged"]),
                name="provisioning_rotation_live",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(state__in=["asking", "acknowledged", "refused"]),
                name="provisioning_rotation_open",
            ),
            models.Index(fields=["created_at", "id"], name="provisioning_rotation_newest"),
        ]

    def __str__(self) -> str:
        return self.partner_id

    @property
    def subject(self) -> str:
        return self.resource_credential.resource.subject

    @property
    def audit_facts(self) -> dict[str, object]:
        return {"rotation": self.partner_id, "credential": self.resource_credential.partner_id}

"""Keeps work that was promised with 202, and the callbacks that tell the marketplace its outcome."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from credservice.crypto import Place, unseal
from credservice.crypto.fields import SealedField, place_of
from provisioning.models.catalogue import Plan
from provisioning.models.marketplaces import Marketplace
from provisioning.models.orders import Resource, ResourceCredential

# "If the callback is not invoked [within 24 hours], Manifold will retry the request again" (Provider API).
AWAITED_FOR = timedelta(hours=24)
MAX_CALLBACK_URL = 2048


class Operation(models.Model):
    """A provision, plan change or deprovision that the worker does, of a resource or of a credential of it."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        ABANDONED = "abandoned"

    class Verb(models.TextChoices):
        PROVISION = "provision"
        CHANGE_PLAN = "change_plan", "change plan"
        DEPROVISION = "deprovision"

    LIVE = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="operations")
    resource_credential = models.ForeignKey(
        ResourceCredential, null=True, on_delete=models.PROTECT, related_name="operations"
    )
    verb = models.CharField(max_length=16, choices=Verb)
    # What was asked for: a repeated request is compared with this.
    fingerprint = models.BinaryField(max_length=32, editable=False)
    plan = models.ForeignKey(Plan, null=True, on_delete=models.PROTECT, related_name="+", help_text="To change to.")
    features = models.JSONField(null=True, help_text="To change to.")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    message = models.CharField(max_length=255, blank=True, help_text="The outcome, as the marketplace's user reads it.")
    failure = models.CharField(max_length=255, blank=True, help_text="Why the last attempt came to nothing.")
    attempts = models.PositiveIntegerField(default=0, help_text="Attempts that came to nothing.")
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        permissions = [("settle_operation", "Can give up an operation")]
        constraints = [
            models.UniqueConstraint(
                fields=["resource"],
                condition=models.Q(state__in=["queued", "running"], resource_credential__isnull=True),
                name="provisioning_operation_resource",
            ),
            models.UniqueConstraint(
                fields=["resource_credential"],
                condition=models.Q(state__in=["queued", "running"], resource_credential__isnull=False),
                name="provisioning_operation_credential",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(state__in=["queued", "running"]),
                name="provisioning_operation_live",
            ),
            models.Index(fields=["created_at", "id"], name="provisioning_operation_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_verb_display().capitalize()} of {self.object}"

    @property
    def object(self) -> Resource | ResourceCredential:
        return self.resource_credential or self.resource

    @property
    def subject(self) -> str:
        return self.resource.subject

    @property
    def audit_facts(self) -> dict[str, str]:
        return {"verb": self.verb, "of": str(self.object)}

    def is_live(self) -> bool:
        return self.state in self.LIVE


class Callback(models.Model):
    """Says where the outcome of an operation is told, one ``X-Callback-URL``, and what has become of it.

    Its body is sealed as the very bytes that each attempt sends, and erased when no attempt will follow.
    """

    class State(models.TextChoices):
        WAITING = "waiting"  # for its operation, or for the connector
        DELIVERED = "delivered"
        CONFLICT = "conflict"  # the connector has another outcome (409)
        REFUSED = "refused"  # the connector does not take it
        EXPIRED = "expired"  # nobody awaits it any more
        CLOSED = "closed"  # by an operator, or a newer callback of the same operation

    ALARMING = (State.CONFLICT, State.REFUSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="callbacks")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="callbacks")
    partner_id = models.CharField("callback id", max_length=29, help_text="The marketplace's id.")
    url = models.CharField("URL", max_length=MAX_CALLBACK_URL)
    sealed_body = SealedField(null=True, editable=False, bound_to=("url",))
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=255, blank=True, help_text="Why it is as it is.")
    attempts = models.PositiveIntegerField(default=0, help_text="Attempts that came to nothing.")
    next_attempt_at = models.DateTimeField(null=True)
    requested_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        permissions = [("settle_callback", "Can send a callback again, and close it")]
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "partner_id"], name="provisioning_callback_id"),
            models.UniqueConstraint(
                fields=["operation"],
                condition=models.Q(state="waiting"),
                name="provisioning_callback_newest",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "conflict", "refused"]) | models.Q(sealed_body__isnull=True),
                name="provisioning_callback_erased",
            ),
        ]
        indexes = [
            models.Index(
                fields=["requested_at"], condition=models.Q(state="waiting"), name="provisioning_callback_waiting"
            ),
            models.Index(
                fields=["requested_at"],
                condition=models.Q(state__in=["conflict", "refused"]),
                name="provisioning_callback_alarm",
            ),
            models.Index(fields=["requested_at", "id"], name="provisioning_callback_all"),
        ]

    def __str__(self) -> str:
        return self.partner_id

    @property
    def subject(self) -> str:
        return self.operation.subject

    @property
    def audit_facts(self) -> dict[str, object]:
        return {"callback": self.partner_id, "attempts": self.attempts}

    @property
    def place(self) -> Place:
        return place_of(self, "sealed_body")

    def open_body(self) -> bytes:
        """Open the bytes to send. Raises :class:`credservice.crypto.SealError`."""
        return unseal(bytes(self.sealed_body or b""), self.place)

    def awaited_until(self) -> datetime:
        return self.requested_at + AWAITED_FOR

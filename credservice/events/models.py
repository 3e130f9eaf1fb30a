"""Keeps the endpoints that events go to, the events themselves, and how each delivery went."""

import uuid
from typing import Any, ClassVar

import httpx2
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from credservice.core.names import AddressNameField, NameField
from credservice.events.types import PING, SUBSCRIBABLE
from credservice.http.addresses import AddressRefused, check_literal
from credservice.http.outgoing import check_url
from credservice.keys.models import SigningSecretSet

MAX_ATTEMPTS = 10
ANSWER_KEPT = 200  # characters of what an endpoint answered


class EventEndpoint(models.Model):
    """A URL of the vendor's that events are sent to, signed by its own secrets."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = AddressNameField(max_length=64, unique=True)
    url = models.CharField("URL", max_length=1024, help_text="Such as https://api.example.com/credential-events")
    description = NameField(max_length=255, blank=True)
    types = ArrayField(
        models.CharField(max_length=64), default=list, blank=True, help_text="Types of events it takes. None: all."
    )
    is_active = models.BooleanField(default=True, help_text="A suspended endpoint is sent nothing.")
    secrets = models.OneToOneField(SigningSecretSet, on_delete=models.PROTECT, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False, help_text="No delivery has succeeded since.")
    failures = models.PositiveIntegerField(db_default=0, default=0, editable=False, help_text="In a row.")
    paused_until = models.DateTimeField(null=True, editable=False, help_text="Nothing is sent to it before.")
    ended_by = models.CharField(max_length=64, blank=True, editable=False, help_text="Why it was suspended for you.")
    created_at = models.DateTimeField(auto_now_add=True)

    HEALTHY: ClassVar[dict[str, Any]] = {"failing_since": None, "failures": 0, "paused_until": None}

    class Meta:
        verbose_name = "event endpoint"
        ordering = ["name"]
        permissions = [("suspend_eventendpoint", "Can suspend and resume an event endpoint")]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_facts(self) -> dict[str, str]:
        return {"name": self.name}

    @property
    def state(self) -> str:
        return "active" if self.is_active else "suspended"

    def clean(self) -> None:
        try:
            parsed = httpx2.URL(check_url(self.url))
            # One that can never be delivered to is said here, not first in the log of deliveries.
            check_literal(parsed.host, plaintext=parsed.scheme == "http")
        except ValueError as error:
            raise ValidationError({"url": f"The URL {error}."}) from None
        except AddressRefused as error:
            raise ValidationError({"url": f"{error}."}) from None
        unknown = sorted(set(self.types) - set(SUBSCRIBABLE))
        if unknown:
            raise ValidationError({"types": f"There is no type {unknown[0]!r}. Known are: {', '.join(SUBSCRIBABLE)}."})


class Event(models.Model):
    """Something that happened, as it is sent: the same bytes to everybody, on every attempt. Holds no secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=255, blank=True)
    subject = models.CharField(max_length=255, blank=True)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["object_id"],
                condition=models.Q(type="credential.expiring"),
                name="events_event_expiring_once",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="events_event_age")]

    def __str__(self) -> str:
        return self.type if self.type == PING else f"{self.type} {self.object_id}"

    @property
    def message_id(self) -> str:
        """Make its ``webhook-id``: the same on every attempt and for every endpoint, so that a repeat is known."""
        return f"evt_{self.pk.hex}"


class EventDelivery(models.Model):
    """One event on its way to one endpoint."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    class Priority(models.IntegerChoices):
        """The order of what is due, the lowest first: nobody waits behind an import."""

        ASKED_FOR = 0
        SINGLE = 1
        BULK = 2

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(EventEndpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    priority = models.PositiveSmallIntegerField(
        choices=Priority, default=Priority.SINGLE, db_default=Priority.SINGLE, help_text="The lowest first."
    )
    attempts = models.PositiveIntegerField(default=0, help_text="Failed attempts since it was queued.")
    next_attempt_at = models.DateTimeField(null=True, default=timezone.now)
    last_status = models.PositiveIntegerField(null=True, help_text="The status that the endpoint answered last.")
    delivered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "event delivery"
        verbose_name_plural = "event deliveries"
        permissions = [("replay_eventdelivery", "Can send an event again")]
        constraints = [models.UniqueConstraint(fields=["endpoint", "event"], name="events_delivery_once")]
        indexes = [
            models.Index(
                fields=["endpoint", "priority", "next_attempt_at"],
                condition=models.Q(state="pending"),
                name="events_delivery_next",
            ),
            models.Index(
                fields=["endpoint", "created_at"], condition=models.Q(state="failed"), name="events_delivery_failed"
            ),
            models.Index(fields=["endpoint", "created_at", "id"], name="events_delivery_of_endpoint"),
            models.Index(fields=["created_at", "id"], name="events_delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.event.type} to {self.endpoint}"

    @property
    def subject(self) -> str:
        return self.event.subject

    @property
    def audit_facts(self) -> dict[str, object]:
        return {"endpoint": self.endpoint.name, "type": self.event.type}


class DeliveryAttempt(models.Model):
    """One try of a delivery: when, how long, and what came of it."""

    delivery = models.ForeignKey(EventDelivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(default=timezone.now)
    milliseconds = models.PositiveIntegerField()
    status = models.PositiveIntegerField(null=True)
    answer = models.CharField(max_length=ANSWER_KEPT, blank=True, help_text="How the answer began.")
    problem = models.CharField(max_length=255, blank=True, help_text="Why there was no answer.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.status or self.problem}"

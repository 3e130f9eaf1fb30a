"""Keeps the passwords by which we know that a request is a platform's."""

import uuid
from datetime import datetime

from django.db import models
from django.utils import timezone

from provisioning.models import Marketplace


class BrokerPasswordQuerySet(models.QuerySet["BrokerPassword"]):
    def live(self, now: datetime | None = None) -> "BrokerPasswordQuerySet":
        """Keep those that let the platform in now."""
        return self.filter(models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=now or timezone.now()))


class BrokerPassword(models.Model):
    """A password of a platform; its user name is the marketplace's name. Only the keyed digest is kept.

    At most two let it in: the newest, and the one before until its end.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.CASCADE, related_name="broker_passwords")
    digest = models.BinaryField(max_length=36, unique=True, editable=False)
    hint = models.CharField(max_length=16, editable=False, help_text="A keyed digest of it: tells passwords apart.")
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField(null=True, editable=False, help_text="From then on it lets nobody in.")
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute.")

    objects = BrokerPasswordQuerySet.as_manager()

    class Meta:
        permissions = [("end_brokerpassword", "Can end a platform's password")]
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace"], condition=models.Q(ends_at__isnull=True), name="osb_brokerpassword_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.marketplace}: {self.hint}"

    @property
    def subject(self) -> str:
        return self.marketplace.subject

    @property
    def audit_facts(self) -> dict[str, object]:
        return {"marketplace": self.marketplace.name, "hint": self.hint}

"""The trail. Written by :func:`credservice.audit.record` alone; the database refuses every change to a line."""

from django.db import models


class AuditEvent(models.Model):
    """Who did what to which object, with what outcome. Holds no secret values.

    The table is partitioned by month and append-only (see the first migration), which Django cannot declare: hence
    ``managed = False``. ``id`` is unique and ascending; the table's own key is (id, at).
    """

    class Outcome(models.TextChoices):
        GRANTED = "granted"
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=64, help_text="What was done, such as exchange.credential or key.revealed.")
    outcome = models.CharField(max_length=16, choices=Outcome)
    reason = models.CharField(max_length=64, blank=True, help_text="Why it was refused or failed.")
    actor = models.CharField(max_length=255, help_text="platform:..., marketplace:..., user:..., command:...")
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=255, blank=True)
    subject = models.CharField(max_length=255, blank=True, help_text="Whose it is: end_user:... or resource:...")
    source = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        permissions = [("export_auditevent", "Can export the trail")]
        managed = False
        db_table = "audit_auditevent"
        ordering = ["-id"]
        verbose_name = "audit event"

    def __str__(self) -> str:
        return f"{self.action} {self.outcome} {self.object_type} {self.object_id}".strip()

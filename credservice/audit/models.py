"""Keeps the audit log. :func:`credservice.audit.record` alone writes it; the database refuses to change a line."""

from django.db import models

from credservice.audit.canonical import Part, head_of


class AuditEvent(models.Model):
    """One line: an actor's act on an object, and its outcome. Holds no secret values.

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
        managed = False
        db_table = "audit_auditevent"
        ordering = ["-id"]
        verbose_name = "audit event"
        permissions = [("export_auditevent", "Can export the trail")]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome} {self.object_type} {self.object_id}".strip()


class AuditSeal(models.Model):
    """One link of the chain: a batch of lines that is closed, or the dropping of months that were sealed before.

    ``head`` covers everything here and the head before; ``mac`` and ``signature`` cover ``head``
    (:mod:`credservice.audit_chain.signatures`). The table is append-only as the trail is.
    """

    class Kind(models.TextChoices):
        LINES = "lines"
        RETENTION = "retention"

    number = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=16, choices=Kind)
    sealed_at = models.DateTimeField()
    after_id = models.BigIntegerField(help_text="The batch before ends here; 0 in the first one.")
    up_to_id = models.BigIntegerField(help_text="The last line of the batch.")
    up_to_at = models.DateTimeField(help_text="The time of the last line.")
    parts = models.JSONField(help_text="By month: how many lines, and their SHA-256.")
    previous = models.BinaryField(max_length=32)
    head = models.BinaryField(max_length=32)
    mac = models.BinaryField(max_length=36)
    kid = models.CharField(max_length=64, help_text="The signing key's thumbprint (RFC 7638).")
    signature = models.BinaryField(max_length=64)

    class Meta:
        managed = False  # as the trail: Django would empty it between tests
        ordering = ["number"]
        verbose_name = "audit seal"

    def __str__(self) -> str:
        return f"batch {self.number}, up to line {self.up_to_id}"

    def month_parts(self) -> list[Part]:
        return [Part(part["month"], part["lines"], part["digest"]) for part in self.parts]

    def computed_head(self) -> bytes:
        """Compute what ``head`` must be."""
        facts = [
            str(self.number),
            self.kind,
            self.sealed_at.isoformat(),
            str(self.after_id),
            str(self.up_to_id),
            self.up_to_at.isoformat(),
        ]
        return head_of(facts, self.month_parts(), bytes(self.previous))

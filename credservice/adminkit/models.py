"""Keeps the console's own rows: sent forms, jobs by name, bulk runs, notices, approvals."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob


class SentFormManager(models.Manager["SentForm"]):
    def take(self, form_id: str) -> bool:
        """Note that this form was sent, in the caller's transaction. False where it was sent before."""
        self.filter(sent_at__lt=timezone.now() - SentForm.KEPT).delete()
        _, created = self.get_or_create(form_id=form_id)
        return created


class SentForm(models.Model):
    """A form that was acted upon, by the random id in it: reloading its answer must not act a second time."""

    KEPT: ClassVar = timedelta(days=1)

    form_id = models.CharField(primary_key=True, max_length=64)
    sent_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = SentFormManager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.form_id


class Job(ProcrastinateJob):
    """A job of the worker, under a name that says what it is."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = "job"

    def __str__(self) -> str:
        return f"{self.task_name} {self.pk}"


class BulkRun(models.Model):
    """One act on many objects: which ones is fixed before anybody confirms it, and each is done once."""

    class State(models.TextChoices):
        DRAFT = "draft", "not confirmed"
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=100, help_text="The model's label, such as credentials.credential.")
    title = models.CharField(max_length=100)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    values = models.JSONField(default=dict, help_text="What was answered to its form. No secrets.")
    list_path = models.CharField(max_length=2000)
    total = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=16, choices=State, default=State.DRAFT)
    why_stopped = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "bulk run"
        indexes = [models.Index(fields=["created_at", "id"], name="console_bulkrun_newest")]

    def __str__(self) -> str:
        return f"{self.title}: {self.total:,}"

    @property
    def actor(self) -> str:
        return f"user:{self.user.get_username()}"

    @property
    def audit_facts(self) -> dict[str, object]:
        return {"action": self.action, "objects": self.object_type, "total": self.total}


class BulkItem(models.Model):
    """One object of a bulk run, and what became of it."""

    class Outcome(models.TextChoices):
        TODO = "", "to do"
        DONE = "done"
        REFUSED = "refused"

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="items", db_index=False)
    object_id = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.TODO, blank=True)
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["run", "object_id"], name="console_bulkitem_once")]
        indexes = [models.Index(fields=["run", "outcome", "id"], name="console_bulkitem_by_outcome")]

    def __str__(self) -> str:
        return self.object_id


class FourEyes(models.Model):
    """The acts that need a second person; one row. What FOUR_EYES in the settings names cannot be switched off here."""

    reveal = models.BooleanField("Reveals", default=False, help_text="Of a credential or a signing secret.")
    bulk_revoke = models.BooleanField("Revocations in bulk", default=False, help_text="Of several credentials at once.")

    class Meta:
        default_permissions = ("view", "change")
        verbose_name = "second person"
        verbose_name_plural = "second person"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="console_foureyes_one_row")]

    def __str__(self) -> str:
        return "Acts that need a second person"


class Notice(models.Model):
    """A kind of what needs attention: if it does now, and what was told of it, and when."""

    kind = models.CharField(max_length=500, primary_key=True)
    sentence = models.CharField(max_length=500)
    link = models.CharField(max_length=2000)
    urgent = models.BooleanField(default=False)
    is_present = models.BooleanField(default=True)
    was_present = models.BooleanField(default=False, help_text="When it was told last.")
    told_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.sentence

    def is_news(self) -> bool:
        return self.is_present != self.was_present


class Approval(models.Model):
    """A second person's word on one act of one person on one object: asked, decided, used once."""

    class State(models.TextChoices):
        WAITING = "waiting"
        APPROVED = "approved"
        DECLINED = "declined"
        USED = "used"
        EXPIRED = "expired"

    OPEN: ClassVar = (State.WAITING, State.APPROVED)
    LASTS: ClassVar = timedelta(hours=1)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    act = models.CharField(max_length=32)
    title = models.CharField(max_length=255)
    permission = models.CharField(max_length=100, help_text="What both persons must have.")
    object_type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=64)
    values = models.JSONField(default=dict, help_text="What it was asked for with, the reason among it. No secrets.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ("view",)
        indexes = [models.Index(fields=["asked_at", "id"], name="console_approval_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["act", "object_type", "object_id", "asked_by"],
                condition=models.Q(state__in=["waiting", "approved"]),
                name="console_approval_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True) | ~models.Q(decided_by=models.F("asked_by")),
                name="console_approval_by_another",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def audit_facts(self) -> dict[str, str]:
        return {"act": self.act, "title": self.title, "of": f"{self.object_type} {self.object_id}"}

    def is_open(self) -> bool:
        return self.state in self.OPEN and timezone.now() < self.expires_at

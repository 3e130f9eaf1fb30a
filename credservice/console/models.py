"""What the console itself has to remember."""

from datetime import timedelta
from typing import ClassVar

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

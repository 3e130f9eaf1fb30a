"""The worker's jobs, to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from unfold.decorators import display

from credservice.console.base import LargeListAdmin, ReadOnly
from credservice.console.labels import label
from credservice.console.menu import Menu
from credservice.console.models import Job


@admin.register(Job)
class JobAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Audit", 52, "pending_actions")
    about = "Work that is done in the background: revocations, rotations, callbacks."
    empty_help = "The worker's jobs show here, and are dropped some time after they are done."
    keyset = ("pk",)
    list_display = ("id", "task_name", "shown_status", "attempts", "scheduled_at")
    fields = ("id", "task_name", "args", "status", "queue_name", "attempts", "scheduled_at")
    search_help_text = "Job number"

    @display(description="Status")
    def shown_status(self, obj: Job) -> Any:
        return label(str(obj.status))

    def find(self, term: str) -> list[Q]:
        return [Q(pk=int(term))] if term.isascii() and term.isdigit() else []

"""Shows the worker's jobs."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import Max, Q
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from credservice.adminkit.labels import label
from credservice.adminkit.menu import MAX_COUNTED, RARE, Menu, Need, counted
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly
from credservice.adminkit.models import Job
from credservice.core.checkout import COMMAND

# A worker says every ten seconds that it lives.
SILENT = timedelta(minutes=2)
_FAILED = """
SELECT count(*) FROM (
    SELECT FROM procrastinate_jobs AS job WHERE status = 'failed' AND NOT EXISTS (
        SELECT FROM procrastinate_periodic_defers AS later
        WHERE later.task_name = job.task_name AND later.defer_timestamp > (job.args ->> 'timestamp')::bigint
    ) LIMIT %s
) AS failed
"""
WAITING = {"status__exact": "todo"}


@admin.register(Job)
class JobAdmin(ReadOnly, LargeListAdmin):
    menu = Menu(RARE, 92, "pending_actions")
    about = "Work that is done in the background: revocations, rotations, callbacks."
    empty_help = "The worker's jobs show here, and are dropped some time after they are done."
    keyset = ("pk",)
    list_display = ("id", "task_name", "shown_status", "attempts", "scheduled_at")
    fields = ("id", "task_name", "args", "status", "queue_name", "attempts", "scheduled_at")
    list_filter = (("status", ChoicesDropdownFilter),)
    search_help_text = "Job number"

    def needs_operator(self) -> list[Need]:
        failed = _number_of_failed()
        lines = [Need(f"{counted(failed, 'job')} failed", {"status__exact": "failed"}, urgent=True)] if failed else []
        return [*_silence(), *lines]

    def under_way(self) -> list[Need]:
        waiting = Job.objects.filter(status="todo", scheduled_at__isnull=True)[:MAX_COUNTED].count()
        later = Job.objects.filter(status="todo", scheduled_at__isnull=False)[:MAX_COUNTED].count()
        lines = (
            (waiting, f"{counted(waiting, 'job')} waiting for a worker"),
            (later, f"{counted(later, 'job')} set for later"),
        )
        return [Need(sentence, WAITING) for number, sentence in lines if number]

    @display(description="Status")
    def shown_status(self, obj: Job) -> Any:
        return label(str(obj.status))

    def find(self, term: str) -> list[Q]:
        return [Q(pk=int(term))] if term.isascii() and term.isdigit() else []


def _number_of_failed() -> int:
    """Count those that failed; of what runs by the clock the last run alone, since that does the work of those before.
    Which have gone well is not kept."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, [MAX_COUNTED])
        return int(cursor.fetchone()[0])


def _silence() -> list[Need]:
    """Tell that no worker runs: without one nothing expires, is revoked outside, or is called back."""
    last = ProcrastinateWorker.objects.aggregate(at=Max("last_heartbeat"))["at"]
    if last is not None and last > timezone.now() - SILENT:
        return []
    since = f"since {last:%Y-%m-%d %H:%M} UTC" if last else "at all"
    return [Need(f"No worker runs {since}: start one with {COMMAND} worker", WAITING, urgent=True)]

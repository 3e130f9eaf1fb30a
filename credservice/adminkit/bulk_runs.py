"""Keeps the runs of bulk actions: which rows are meant, started, stopped, ended, and how far each is.

Ticked rows, or all that the list's filters and search match: those are copied inside the database, however many they
are. A run may be stopped, and killed at any point: what is left to do is in its rows (``bulk_work`` does it).
"""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from credservice.adminkit.models import BulkItem, BulkRun
from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid
from credservice.core.jobs import enqueue

State = BulkRun.State
MAX_OBJECTS = 100_000
AT_ONCE = 100  # more than these are left to the worker
DRAFTS_KEPT = timedelta(days=1)
ITEMS_KEPT = timedelta(days=30)
_COPY = (
    "INSERT INTO console_bulkitem (run_id, object_id, outcome, error)"
    " SELECT %s::uuid, chosen.pk::text, '', '' FROM ({}) AS chosen(pk)"
)


def draft(*, name: str, title: str, user: Any, queryset: QuerySet[Any], list_path: str) -> BulkRun:
    """Note down which objects are meant. Raises :class:`Invalid` where there are none, or more than can be done."""
    with transaction.atomic():
        _forget_old()
        run = BulkRun.objects.create(
            action=name,
            object_type=queryset.model._meta.label_lower,
            title=title,
            user=user,
            list_path=list_path[:2000],
        )
        run.total = _copy(run, queryset)
        if not run.total:
            raise Invalid("Nothing was chosen. Tick some rows first.")
        if run.total > MAX_OBJECTS:
            raise Invalid(f"That is more than {MAX_OBJECTS:,} at a time. Narrow it by a filter. Nothing was changed.")
        run.save(update_fields=["total"])
    return run


def start(run: BulkRun, values: dict[str, Any]) -> None:
    """Start a confirmed run, in the caller's transaction. Raises :class:`Conflict` where it was started before."""
    locked = BulkRun.objects.select_for_update().get(pk=run.pk)
    if locked.state != State.DRAFT:
        raise Conflict("This was started before.")
    run.values, run.state, run.started_at = values, State.RUNNING, timezone.now()
    run.save(update_fields=["values", "state", "started_at"])
    record(Line.about(run, "bulk_run.started", run.actor, {"values": values}))
    # For few objects only in case that this process dies before it is through.
    defer(run, after=timedelta(minutes=1) if run.total <= AT_ONCE else timedelta(0))


def defer(run: BulkRun, after: timedelta = timedelta(0)) -> None:
    at = timezone.now() + after if after else None
    enqueue("console.bulk", at=at, lock=f"console.bulk:{run.pk}", run_id=run.pk)


def stop(run: BulkRun, actor: str, why: str) -> None:
    """Leave what is not done yet. Raises :class:`Conflict` where it does not run."""
    with transaction.atomic():
        stopped = BulkRun.objects.filter(pk=run.pk, state=State.RUNNING)
        if not stopped.update(state=State.STOPPED, why_stopped=why[:200], ended_at=timezone.now()):
            raise Conflict("This does not run any more.")
        record(Line.about(run, "bulk_run.stopped", actor, {"why": why} | progress(run)))


def finish(run: BulkRun) -> None:
    """End a run of which nothing is left."""
    with transaction.atomic():
        running = BulkRun.objects.filter(pk=run.pk, state=State.RUNNING)
        if running.update(state=State.DONE, ended_at=timezone.now()):
            record(Line.about(run, "bulk_run.done", run.actor, progress(run)))
    run.refresh_from_db()


def progress(run: BulkRun) -> dict[str, int]:
    """Count what is done, refused and left."""
    found = dict(run.items.values_list("outcome").annotate(Count("pk")))
    return {"done": found.get("done", 0), "refused": found.get("refused", 0), "left": found.get("", 0)}


def _copy(run: BulkRun, queryset: QuerySet[Any]) -> int:
    """Copy by one statement in the database, however many rows; one more than may be, to tell."""
    sql, params = queryset.values("pk")[: MAX_OBJECTS + 1].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_COPY.format(sql), [str(run.pk), *params])  # the statement is Django's own
        return int(cursor.rowcount)


def _forget_old() -> None:
    """Delete drafts that nobody confirmed, and the items of runs long past, which the audit log has too."""
    now = timezone.now()
    drafts = BulkRun.objects.filter(state=State.DRAFT, created_at__lt=now - DRAFTS_KEPT)
    BulkItem.objects.filter(run__in=drafts).delete()
    drafts.delete()
    BulkItem.objects.filter(run__ended_at__lt=now - ITEMS_KEPT).delete()

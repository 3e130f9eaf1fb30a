"""A bulk run from its draft to its end. It may be stopped, and killed at any point: what is left to do is in its rows.

Each object is done in one transaction with its item's outcome, so nothing is done twice and nothing is forgotten.
"""

import time
from datetime import timedelta
from typing import Any

import structlog
from django.contrib import admin
from django.db import OperationalError, connection, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from procrastinate.contrib.django import app

from credservice.audit import record
from credservice.console.bulk import BulkAction
from credservice.console.models import BulkItem, BulkRun
from credservice.exceptions import Conflict, Invalid, ServiceError

log = structlog.get_logger(__name__)
State, Outcome = BulkRun.State, BulkItem.Outcome
MAX_OBJECTS = 100_000
AT_ONCE = 100  # more than these are left to the worker
CHUNK = 50
_COPY = (
    "INSERT INTO console_bulkitem (run_id, object_id, outcome, error)"
    " SELECT %s::uuid, chosen.pk::text, '', '' FROM ({}) AS chosen(pk)"
)
SLICE_SECONDS = 15.0  # of one job, which then makes room for others
DRAFTS_KEPT = timedelta(days=1)
ITEMS_KEPT = timedelta(days=30)


def draft(action: BulkAction, *, user: Any, queryset: QuerySet[Any], list_path: str) -> BulkRun:
    """Note down which objects are meant. Raises :class:`Invalid` where there are none, or more than can be done."""
    with transaction.atomic():
        _forget_old()
        run = BulkRun.objects.create(
            action=action.__name__,
            object_type=queryset.model._meta.label_lower,
            title=action.title,
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
    """In the caller's transaction. Raises :class:`Conflict` where it was started before."""
    locked = BulkRun.objects.select_for_update().get(pk=run.pk)
    if locked.state != State.DRAFT:
        raise Conflict("This was started before.")
    run.values, run.state, run.started_at = values, State.RUNNING, timezone.now()
    run.save(update_fields=["values", "state", "started_at"])
    _record(run, "started", {"values": values})
    # For few objects only in case that this process dies before it is through.
    defer(run, after=timedelta(minutes=1) if run.total <= AT_ONCE else timedelta(0))


def defer(run: BulkRun, after: timedelta = timedelta(0)) -> None:
    at = timezone.now() + after if after else None
    app.configure_task("console.bulk", schedule_at=at, lock=f"console.bulk:{run.pk}").defer(run_id=str(run.pk))


def stop(run: BulkRun, actor: str, why: str) -> None:
    """What was done stays done; the rest is left. Raises :class:`Conflict` where it does not run."""
    with transaction.atomic():
        stopped = BulkRun.objects.filter(pk=run.pk, state=State.RUNNING)
        if not stopped.update(state=State.STOPPED, why_stopped=why[:200], ended_at=timezone.now()):
            raise Conflict("This does not run any more.")
        _record(run, "stopped", {"why": why} | progress(run), actor=actor)


def work_through(run: BulkRun, seconds: float) -> bool:
    """Do what is left, for about so long. Whether it has come to an end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run.refresh_from_db()
        action = action_of(run)
        if run.state != State.RUNNING:
            return True
        if action is None or not _may_go_on(run, action):
            stop(run, "worker", "the account may not do this any more")
            return True
        left = list(run.items.filter(outcome=Outcome.TODO).order_by("pk")[:CHUNK])
        if not left:
            _finish(run)
            return True
        for item in left:
            _do(run, action, item)
    return False


def progress(run: BulkRun) -> dict[str, int]:
    """How many are done, refused and left."""
    found = dict(run.items.values_list("outcome").annotate(Count("pk")))
    return {"done": found.get("done", 0), "refused": found.get("refused", 0), "left": found.get("", 0)}


def action_of(run: BulkRun) -> BulkAction | None:
    site_admin = admin_of(run)
    actions: Any = getattr(site_admin, "bulk_actions", ())
    return next((action for action in actions if action.__name__ == run.action), None)


def admin_of(run: BulkRun) -> Any:
    return next((a for model, a in admin.site._registry.items() if model._meta.label_lower == run.object_type), None)


def _may_go_on(run: BulkRun, action: BulkAction) -> bool:
    """Asked again at every step: a role may have been taken away meanwhile."""
    user: Any = type(run.user).objects.get(pk=run.user_id)  # anew: Django keeps permissions on the object
    return bool(user.is_active and action.allowed(admin_of(run), user))


def _do(run: BulkRun, action: BulkAction, item: BulkItem) -> None:
    try:
        with transaction.atomic():
            _do_once(run, action, item)
    except OperationalError:  # the database's own trouble says nothing about the object
        raise
    except ServiceError as error:
        _refuse(item, error.message)
    except Exception as error:
        log.exception("bulk_item_broke", run=str(run.pk), object_id=item.object_id)
        _refuse(item, f"An error of ours ({type(error).__name__}); the log has more.")


def _do_once(run: BulkRun, action: BulkAction, item: BulkItem) -> None:
    if not BulkItem.objects.select_for_update().filter(pk=item.pk, outcome=Outcome.TODO).exists():
        return
    obj = admin_of(run).model._default_manager.filter(pk=item.object_id).first()
    if obj is None:
        raise Conflict("It is not there any more.")
    action.perform(run.actor, obj, run.values)
    BulkItem.objects.filter(pk=item.pk).update(outcome=Outcome.DONE)


def _refuse(item: BulkItem, why: str) -> None:
    BulkItem.objects.filter(pk=item.pk, outcome=Outcome.TODO).update(outcome=Outcome.REFUSED, error=why[:255])


def _finish(run: BulkRun) -> None:
    with transaction.atomic():
        running = BulkRun.objects.filter(pk=run.pk, state=State.RUNNING)
        if running.update(state=State.DONE, ended_at=timezone.now()):
            _record(run, "done", progress(run), actor=run.actor)
    run.refresh_from_db()


def _copy(run: BulkRun, queryset: QuerySet[Any]) -> int:
    """One statement in the database, of however many rows; one more than may be, to tell."""
    sql, params = queryset.order_by().values("pk")[: MAX_OBJECTS + 1].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_COPY.format(sql), [str(run.pk), *params])  # the statement is Django's own
        return int(cursor.rowcount)


def _forget_old() -> None:
    """Drafts that nobody confirmed, and what became of each object of a run long past: the trail has that too."""
    now = timezone.now()
    drafts = BulkRun.objects.filter(state=State.DRAFT, created_at__lt=now - DRAFTS_KEPT)
    BulkItem.objects.filter(run__in=drafts).delete()
    drafts.delete()
    BulkItem.objects.filter(run__ended_at__lt=now - ITEMS_KEPT).delete()


def _record(run: BulkRun, verb: str, detail: dict[str, Any], actor: str = "") -> None:
    about = {"action": run.action, "objects": run.object_type, "total": run.total}
    record(
        action=f"bulk_run.{verb}",
        actor=actor or run.actor,
        object_type="bulk_run",
        object_id=run.pk,
        detail=about | detail,
    )

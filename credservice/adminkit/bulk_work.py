"""Does a bulk run, row by row: each in one transaction with its item's outcome, so that nothing is done twice."""

import time
from typing import Any

import structlog
from django.db import OperationalError, transaction

from credservice.adminkit.bulk import BulkAction, action_of, admin_of
from credservice.adminkit.bulk_runs import finish, stop
from credservice.adminkit.models import BulkItem, BulkRun
from credservice.core.exceptions import Conflict, ServiceError

log = structlog.get_logger(__name__)
State, Outcome = BulkRun.State, BulkItem.Outcome
SLICE_SECONDS = 15.0  # of one job, which then makes room for others
CHUNK = 50


def work_through(run: BulkRun, seconds: float) -> bool:
    """Do what is left, for about so long. True once the run has come to an end."""
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
            finish(run)
            return True
        for item in left:
            _do(run, action, item)
    return False


def _may_go_on(run: BulkRun, action: BulkAction) -> bool:
    """Ask again at every step: a role may have been taken away meanwhile."""
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
    left = action.refusal(obj)
    if left:  # as the page that asked said, or its state has changed since then
        raise Conflict(left)
    action.perform(run.actor, obj, run.values)
    BulkItem.objects.filter(pk=item.pk).update(outcome=Outcome.DONE)


def _refuse(item: BulkItem, why: str) -> None:
    BulkItem.objects.filter(pk=item.pk, outcome=Outcome.TODO).update(outcome=Outcome.REFUSED, error=why[:255])

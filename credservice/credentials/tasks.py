"""What the worker does. Each task may run twice, or be killed, without harm: the row says what is left to do.

Jobs are enqueued in the transaction that needs them (``queue``). The sweep, once a minute, finds by index what is due:
expiries, scheduled rotations, and work whose job was lost.
"""

from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from credservice.audit.partitions import make_partitions
from credservice.credentials import outside, services, steps, telling
from credservice.credentials.models import Credential
from credservice.credentials.queue import enqueue
from credservice.credentials.schedule import is_taken
from credservice.exceptions import ServiceError
from credservice.keys.reminders import reminders
from credservice.keys.signing_keys import sweep_signing_keys

log = structlog.get_logger(__name__)
State = Credential.State
ACTOR = "worker"
BATCH = 500
LOST_AFTER = timedelta(minutes=2)


class NeverGiveUp(BaseRetryStrategy):
    """Again and again, with a pause that doubles from five seconds to an hour (engineering notes, "Rotation")."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        return RetryDecision(retry_in={"seconds": int(outside.pause_after(job.attempts).total_seconds()) + 1})


@app.task(name="credentials.finish_issue", retry=NeverGiveUp())
def finish_issue(credential_id: str) -> None:
    outside.finish_issue(_get(credential_id), actor=ACTOR, insist=True)


@app.task(name="credentials.end", retry=NeverGiveUp())
def end(credential_id: str) -> None:
    """End a retiring credential whose time has come: here at once, outside as soon as its issuer can be reached."""
    credential = _get(credential_id)
    if not credential.is_ending():
        return
    if _ends_here(credential):
        _end_here(credential)
    else:
        outside.finish_end(credential, actor=ACTOR, insist=True)


@app.periodic(cron="* * * * *")
@app.task(name="credentials.sweep", queueing_lock="credentials.sweep", pass_context=False)
def sweep(timestamp: int) -> None:
    """Find what is due and what was lost. ``timestamp`` is the period's, which procrastinate passes."""
    while expire_due() == BATCH:
        pass
    rotate_due()
    enqueue_lost()
    sweep_signing_keys(actor=ACTOR)


def expire_due() -> int:
    """Expire a batch of credentials whose time is over; returns how many there were.

    Those that are ending already are left to their jobs: an issuer that is down must not keep a full batch of them
    before all others.
    """
    with transaction.atomic():
        due = _due(expires_at__lte=timezone.now(), state__in=Credential.USABLE)
        for credential in due:
            if _ends_here(credential):
                steps.end(credential, State.EXPIRED, ACTOR)
            else:
                steps.begin_end(credential, ACTOR, why="expired")
    return len(due)


def rotate_due() -> None:
    """Rotate what its policy says is old enough. One that cannot be rotated now stays due and stops no other."""
    due = Credential.objects.filter(rotates_at__lte=timezone.now(), state=State.ACTIVE).order_by("rotates_at")
    for credential in due[:BATCH]:
        try:
            if not is_taken(credential) and credential.policy.backend().generates:
                services.rotate(credential=credential, actor="schedule")
        except ServiceError as error:
            log.warning("rotation_put_off", credential=str(credential.pk), reason=error.message)


def enqueue_lost() -> None:
    """Enqueue again what is under way and has no job in sight, such as after a restored backup."""
    old = timezone.now() - LOST_AFTER
    idle = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=old)
    for credential in Credential.objects.filter(idle, state=State.PENDING, created_at__lte=old)[:BATCH]:
        enqueue("finish_issue", credential)
    for credential in Credential.objects.filter(idle, state=State.RETIRING, retires_at__lte=old)[:BATCH]:
        enqueue("end", credential)


@app.periodic(cron="* * * * *")
@app.task(name="jobs.rescue", queueing_lock="jobs.rescue", pass_context=False)
async def rescue(timestamp: int) -> None:
    """Give the jobs of workers that died to those that live."""
    for job in await app.job_manager.get_stalled_jobs():
        log.warning("job_rescued", task=job.task_name, job=job.id)
        await app.job_manager.retry_job(job)


@app.periodic(cron="7 * * * *")
@app.task(name="credentials.tell_expiring", queueing_lock="credentials.tell_expiring", pass_context=False)
def tell_expiring(timestamp: int) -> None:
    telling.tell_expiring()


@app.periodic(cron="41 5 * * *")
@app.task(name="audit.make_partitions", queueing_lock="audit.make_partitions", pass_context=False)
def make_audit_partitions(timestamp: int) -> None:
    make_partitions()


@app.periodic(cron="17 6 * * *")
@app.task(name="keys.remind", queueing_lock="keys.remind", pass_context=False)
def remind(timestamp: int) -> None:
    """Once a day, say which keys and secrets a person should see to: in the log, and in the trail."""
    for reminder in reminders():
        log.warning("key_needs_attention", kind=reminder.kind, key=reminder.key_id, why=reminder.sentence)
        reminder.record(actor=ACTOR)


def _ends_here(credential: Credential) -> bool:
    """Whether nobody outside has to be asked for its end."""
    backend = credential.policy.backend()
    expired = credential.expires_at is not None and credential.expires_at <= timezone.now()
    return backend.local or not backend.can_revoke or (backend.expires_itself and expired)


def _end_here(credential: Credential) -> None:
    with transaction.atomic():
        credential = services.locked(credential)
        if credential.is_ending():
            steps.end(credential, credential.final_state(), ACTOR)


def _due(**where: object) -> list[Credential]:
    rows = Credential.objects.select_for_update(of=("self",), skip_locked=True).select_related("policy")
    rows = rows.exclude(state=State.RETIRING, retires_at__lte=timezone.now())
    return list(rows.filter(**where).order_by("expires_at")[:BATCH])


def _get(credential_id: str) -> Credential:
    return Credential.objects.select_related("policy").get(pk=credential_id)


__all__ = ["NeverGiveUp", "end", "finish_issue", "remind", "rescue", "sweep"]

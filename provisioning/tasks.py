"""What the worker does for marketplaces: operations, callbacks, and what a crash has left of either.

Each task may run twice, or be killed, without harm: see :mod:`credservice.credentials.tasks`.
"""

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from procrastinate.contrib.django import app

from credservice.credentials.models import Credential
from credservice.credentials.tasks import LOST_AFTER, NeverGiveUp
from provisioning.connector import outbox, rotations
from provisioning.models import AWAITED_FOR, Callback, CredentialRotation, Operation, Resource
from provisioning.queue import enqueue
from provisioning.services import operations
from provisioning.services.deprovisioning import set_state
from provisioning.services.later import record_operation

log = structlog.get_logger(__name__)
BATCH = 500
ACTOR = "worker"


@app.task(name="provisioning.operate", retry=NeverGiveUp())
def operate(pk: str) -> None:
    operations.operate(UUID(pk))


@app.task(name="provisioning.deliver", retry=NeverGiveUp())
def deliver(pk: str) -> None:
    outbox.deliver(UUID(pk))


@app.task(name="provisioning.rotate", retry=NeverGiveUp())
def rotate(pk: str) -> None:
    rotations.send(UUID(pk))


@app.periodic(cron="* * * * *")
@app.task(name="provisioning.sweep", queueing_lock="provisioning.sweep", pass_context=False)
def sweep(timestamp: int) -> None:
    """End what nobody awaits, and find what was lost. ``timestamp`` is the period's, which procrastinate passes."""
    expire_unawaited()
    erase_ended()
    abandon_unawaited()
    finish_deprovisioned()
    rotations.finish_swapped()
    enqueue_lost()


def expire_unawaited() -> None:
    """ "If Manifold does not receive the callback within 24 hours, the request will be performed again"."""
    old = Callback.objects.filter(state=Callback.State.WAITING, requested_at__lte=timezone.now() - AWAITED_FOR)
    for callback in old.order_by("requested_at")[:BATCH]:
        outbox.expire(callback)


def erase_ended() -> None:
    """Callbacks that wait for an operator keep no credential that is of no use any more: revoked, or deprovisioned."""
    # The line's successors were made after what the body holds. One that is ending is handed out no more.
    good = Credential.objects.unended().exclude(state=Credential.State.RETIRING, retires_at__lte=timezone.now())
    unended = good.filter(
        line=OuterRef("operation__resource_credential__credential__line"),
        created_at__lte=OuterRef("operation__finished_at"),
    )
    deprovisioned = Q(operation__resource_credential__deprovisioned_at__isnull=False)
    kept = Callback.objects.filter(
        state__in=Callback.ALARMING, sealed_body__isnull=False, operation__resource_credential__isnull=False
    )
    for callback in kept.filter(deprovisioned | ~Exists(unended)).order_by("requested_at")[:BATCH]:
        outbox.erase(callback)


def abandon_unawaited() -> None:
    """Operations whose outcome nobody awaits; but what is to be removed is removed, whoever awaits it."""
    awaited = Callback.objects.filter(operation=OuterRef("pk"), state=Callback.State.WAITING)
    live = Operation.objects.filter(state__in=Operation.LIVE, created_at__lte=timezone.now() - timedelta(minutes=1))
    for operation in live.exclude(verb=Operation.Verb.DEPROVISION).exclude(Exists(awaited))[:BATCH]:
        with transaction.atomic():
            rows = Operation.objects.select_for_update(of=("self",)).select_related("resource", "resource_credential")
            found = rows.filter(~Exists(awaited), pk=operation.pk, state__in=Operation.LIVE).first()
            if found is not None:
                found.state, found.finished_at = Operation.State.ABANDONED, timezone.now()
                found.save(update_fields=["state", "finished_at"])
                record_operation("operation.abandoned", found, ACTOR, outcome="failed")


def finish_deprovisioned() -> None:
    """Resources of which nothing is left to end become ``deprovisioned``, also where no DELETE comes again."""
    live = Operation.objects.filter(resource=OuterRef("pk"), state__in=Operation.LIVE)
    ending = Resource.objects.filter(state=Resource.State.DEPROVISIONING, product__provisioner="")
    for resource in ending.exclude(Exists(live)).order_by("created_at")[:BATCH]:
        with transaction.atomic():
            rows = Resource.objects.select_for_update(of=("self",)).filter(state=Resource.State.DEPROVISIONING)
            found = rows.filter(pk=resource.pk).first()
            if found and not Credential.objects.unended().filter(subject=found.subject).exists():
                set_state(found, Resource.State.DEPROVISIONED, ACTOR)


def enqueue_lost() -> None:
    """Enqueue again what is under way and has no job in sight, such as after a restored backup."""
    old = timezone.now() - LOST_AFTER
    idle = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=old)
    for pk in Operation.objects.filter(idle, state__in=Operation.LIVE, created_at__lte=old).values_list(
        "pk", flat=True
    )[:BATCH]:
        enqueue("operate", pk)
    waiting = Callback.objects.filter(state=Callback.State.WAITING, sealed_body__isnull=False, next_attempt_at__lte=old)
    for pk in waiting.values_list("pk", flat=True)[:BATCH]:
        enqueue("deliver", pk)
    asking = CredentialRotation.objects.filter(state=CredentialRotation.State.ASKING, next_attempt_at__lte=old)
    for pk in asking.values_list("pk", flat=True)[:BATCH]:
        enqueue("rotate", pk)

"""Ends callbacks, operations and rotations that nobody awaits, and takes up again those that a crash has left."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from credservice.core.jobs import enqueue
from credservice.credentials.models import Credential
from credservice.credentials.tasks import LOST_AFTER
from provisioning.manifold import PROTOCOL
from provisioning.manifold.connector import outbox, rotations
from provisioning.models import AWAITED_FOR, Callback, CredentialRotation, Operation
from provisioning.services.deferred import record_operation

BATCH = 500
ACTOR = "worker"


def sweep() -> None:
    """Do all of this. Each step may be repeated, or be cut short, without harm."""
    expire_unawaited()
    erase_ended()
    abandon_unawaited()
    rotations.finish_swapped()
    enqueue_lost()


def expire_unawaited() -> None:
    """End what "Manifold does not receive within 24 hours": then "the request will be performed again"."""
    old = Callback.objects.filter(state=Callback.State.WAITING, requested_at__lte=timezone.now() - AWAITED_FOR)
    for callback in old.order_by("requested_at")[:BATCH]:
        outbox.expire(callback)


def erase_ended() -> None:
    """Erase from callbacks that wait for an operator what is of no use any more: revoked, or deprovisioned."""
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
    """Abandon operations whose outcome nobody awaits; but what is to be removed is removed, whoever awaits it."""
    awaited = Callback.objects.filter(operation=OuterRef("pk"), state=Callback.State.WAITING)
    live = Operation.objects.filter(
        resource__marketplace__protocol_name=PROTOCOL,
        state__in=Operation.LIVE,
        created_at__lte=timezone.now() - timedelta(minutes=1),
    )
    for operation in live.exclude(verb=Operation.Verb.DEPROVISION).exclude(Exists(awaited))[:BATCH]:
        with transaction.atomic():
            rows = Operation.objects.select_for_update(of=("self",)).select_related("resource", "resource_credential")
            found = rows.filter(~Exists(awaited), pk=operation.pk, state__in=Operation.LIVE).first()
            if found is not None:
                found.state, found.finished_at = Operation.State.ABANDONED, timezone.now()
                found.save(update_fields=["state", "finished_at"])
                record_operation("operation.abandoned", found, ACTOR, outcome="failed")


def enqueue_lost() -> None:
    old = timezone.now() - LOST_AFTER
    waiting = Callback.objects.filter(state=Callback.State.WAITING, sealed_body__isnull=False, next_attempt_at__lte=old)
    for pk in waiting.values_list("pk", flat=True)[:BATCH]:
        enqueue("provisioning.deliver", pk=pk)
    asking = CredentialRotation.objects.filter(state=CredentialRotation.State.ASKING, next_attempt_at__lte=old)
    for pk in asking.values_list("pk", flat=True)[:BATCH]:
        enqueue("provisioning.rotate", pk=pk)

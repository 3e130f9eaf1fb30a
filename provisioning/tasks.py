"""Does operations in the worker, and finds what a crash has left of them.

Each task may run twice, or be killed, without harm: see :mod:`credservice.core.jobs`.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from procrastinate.contrib.django import app

from credservice.core.jobs import NeverGiveUp, enqueue
from credservice.credentials.models import Credential
from credservice.credentials.tasks import LOST_AFTER
from provisioning.models import HandOver, Operation, Resource, ResourceSession
from provisioning.protocols import all_protocols
from provisioning.services import operation_worker
from provisioning.services.deprovisioning import set_state

BATCH = 500
ACTOR = "worker"


@app.task(name="provisioning.operate", retry=NeverGiveUp())
def operate(pk: str) -> None:
    operation_worker.operate(UUID(pk))


@app.periodic(cron="* * * * *")
@app.task(name="provisioning.sweep", queueing_lock="provisioning.sweep", pass_context=False)
def sweep(timestamp: int) -> None:
    """End what nobody awaits, and find what was lost. ``timestamp`` is the period's, which procrastinate passes."""
    finish_deprovisioned()
    for protocol in all_protocols():
        protocol.sweep()
    enqueue_lost()
    forget_ended()


def finish_deprovisioned() -> None:
    """Have resources ``deprovisioned`` of which nothing is left to end, also where no DELETE comes again."""
    live = Operation.objects.filter(resource=OuterRef("pk"), state__in=Operation.LIVE)
    ending = Resource.objects.filter(state=Resource.State.DEPROVISIONING, product__provisioner="")
    for resource in ending.exclude(Exists(live)).order_by("created_at")[:BATCH]:
        with transaction.atomic():
            rows = Resource.objects.select_for_update(of=("self",)).filter(state=Resource.State.DEPROVISIONING)
            found = rows.filter(pk=resource.pk).first()
            if found and not Credential.objects.unended().filter(subject=found.subject).exists():
                set_state(found, Resource.State.DEPROVISIONED, ACTOR)


def forget_ended() -> None:
    """Delete what is over of single sign-on: sessions with their sealed tokens, and tokens that nobody redeemed."""
    now = timezone.now()
    ResourceSession.objects.filter(expires_at__lte=now).delete()
    HandOver.objects.filter(expires_at__lte=now).delete()


def enqueue_lost() -> None:
    """Enqueue again operations that are under way and have no job in sight, such as after a restored backup."""
    old = timezone.now() - LOST_AFTER
    idle = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=old)
    lost = Operation.objects.filter(idle, state__in=Operation.LIVE, created_at__lte=old)
    for pk in lost.values_list("pk", flat=True)[:BATCH]:
        enqueue("provisioning.operate", pk=pk)

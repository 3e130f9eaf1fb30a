"""Delivers, sweeps and prunes events in the worker. The deliveries say what is left after a task was killed."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from credservice.events.delivery import deliver_due
from credservice.events.emit import enqueue_deliveries
from credservice.events.models import Event, EventDelivery

LOST_AFTER = timedelta(minutes=2)
BATCH = 1000


@app.task(name="events.deliver")
def deliver(endpoint_id: str) -> None:
    deliver_due(UUID(endpoint_id))


@app.periodic(cron="* * * * *")
@app.task(name="events.sweep", queueing_lock="events.sweep", pass_context=False)
def sweep(timestamp: int) -> None:
    """Enqueue what is due and has no job in sight, such as after a kill or a restored backup."""
    now = timezone.now()
    lost = EventDelivery.objects.filter(state="pending", next_attempt_at__lte=now - LOST_AFTER)
    lost = lost.exclude(endpoint__paused_until__gt=now)
    enqueue_deliveries(set(lost.order_by().values_list("endpoint", flat=True).distinct()))


@app.periodic(cron="23 4 * * *")
@app.task(name="events.prune", queueing_lock="events.prune", pass_context=False)
def prune(timestamp: int) -> None:
    """Drop events, with their log, that are old and on their way to nobody."""
    old = timezone.now() - timedelta(days=settings.EVENT_LOG_DAYS)
    settled = Event.objects.filter(created_at__lt=old).exclude(deliveries__state="pending")
    while keys := list(settled.order_by("created_at").values_list("pk", flat=True)[:BATCH]):
        Event.objects.filter(pk__in=keys).delete()

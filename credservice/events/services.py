"""Tests, replays and ends endpoints and deliveries, each in one transaction with its line in the trail."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Least
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict
from credservice.events.emit import emit_to, enqueue_deliveries, forget_wanted
from credservice.events.examples import made_for_test
from credservice.events.models import Event, EventDelivery, EventEndpoint
from credservice.events.types import PING
from credservice.keys.models import SigningSecretSet

WORKER = "worker"
GONE = "It answered 410 Gone"
State = EventDelivery.State


def new_secret_set(endpoint_name: str) -> SigningSecretSet:
    """Make the set that an endpoint's signing secrets will be in; empty at first."""
    form = SigningSecretSet.Form.WEBHOOK
    return SigningSecretSet.objects.create(label=f"Event endpoint {endpoint_name}", form=form)


def send_test(*, endpoint: EventEndpoint, actor: str, type_: str = PING) -> str:
    """Queue a test event for this endpoint: a ping, or the example of another type; returns its ``webhook-id``.

    Raises :class:`Conflict` where it is suspended.
    """
    _need_active(endpoint)
    with transaction.atomic():
        event = Event(pk=emit_to(endpoint, made_for_test(type_, endpoint)))
        end_pause(endpoint)
        record(Line.about(endpoint, "event_endpoint.pinged", actor, {"message": event.message_id, "type": type_}))
    return event.message_id


def replay(*, delivery: EventDelivery, actor: str) -> None:
    """Send an event again, under the same ``webhook-id``. Raises :class:`Conflict` where the endpoint is suspended."""
    _need_active(delivery.endpoint)
    with transaction.atomic():
        asked_for = EventDelivery.objects.filter(pk=delivery.pk)
        asked_for.update(priority=EventDelivery.Priority.ASKED_FOR)
        _queue_again(delivery.endpoint, asked_for)
        record(Line.about(delivery, "event_delivery.replayed", actor))
    delivery.refresh_from_db()


def replay_failed(*, endpoint: EventEndpoint, since: datetime, actor: str) -> int:
    """Send again, now, what is not delivered of the events since ``since``: what failed, and what waits.

    Returns how many. Raises :class:`Conflict` as above.
    """
    _need_active(endpoint)
    with transaction.atomic():
        undelivered = Q(state=State.FAILED) | Q(state=State.PENDING)
        its = EventDelivery.objects.filter(undelivered, endpoint=endpoint, created_at__gte=since)
        count = _queue_again(endpoint, its)
        detail = {"since": since.isoformat(), "deliveries": count}
        record(Line.about(endpoint, "event_endpoint.replayed", actor, detail))
    return count


def end_for_gone(endpoint: EventEndpoint) -> None:
    """Suspend an endpoint that says it is gone for good, in the caller's transaction."""
    ended = EventEndpoint.objects.filter(pk=endpoint.pk, is_active=True).update(is_active=False, ended_by=GONE)
    if ended:
        forget_wanted()
        record(Line.about(endpoint, "event_endpoint.suspended", WORKER, {"why": GONE}))


def forget_end(endpoint: EventEndpoint) -> None:
    """Forget why it was suspended, and how it failed, in the transaction in which a person suspends or resumes it."""
    EventEndpoint.objects.filter(pk=endpoint.pk).update(ended_by="", **EventEndpoint.HEALTHY)
    forget_wanted()


def _queue_again(endpoint: EventEndpoint, deliveries: QuerySet[EventDelivery]) -> int:
    # What is due already keeps its place: LEAST passes over NULL.
    due = Least("next_attempt_at", timezone.now())
    count = deliveries.update(state=State.PENDING, attempts=0, next_attempt_at=due)
    if count:
        end_pause(endpoint)
        enqueue_deliveries({endpoint.pk})
    return count


def end_pause(endpoint: EventEndpoint) -> None:
    """Let an endpoint be tried at once, as whoever asks for it believes it can. The next failure pauses it again."""
    EventEndpoint.objects.filter(pk=endpoint.pk).update(paused_until=None)


def _need_active(endpoint: EventEndpoint) -> None:
    if not endpoint.is_active:
        raise Conflict(f"The endpoint {endpoint.name} is suspended. Resume it first.")

"""Delivers events: at least once, signed anew on each attempt, over three days; what an import made comes last.

A delivery is claimed by moving its next attempt ahead for as long as an attempt may take at most. Whoever dies in the
middle leaves a delivery that is due again: the receiver then sees the same ``webhook-id`` twice.

An endpoint that fails several times in a row is paused as a whole, and then tried with one delivery at a time: what
waits behind uses up no attempts of its own.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx2
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from credservice.core.jobs import pause_after
from credservice.crypto import SealError
from credservice.events.emit import enqueue_deliveries
from credservice.events.models import ANSWER_KEPT, MAX_ATTEMPTS, DeliveryAttempt, EventDelivery, EventEndpoint
from credservice.events.services import end_for_gone
from credservice.http.outgoing import AddressRefused, AnswerRefused, client
from credservice.http.retry_after import retry_after
from credservice.http.webhook_signatures import sign

SECONDS = 10.0  # for one attempt
CLAIMED_FOR = timedelta(seconds=60)
TURN_SECONDS = 30.0  # for which one job goes on
REST = timedelta(seconds=5)  # after an endpoint that did not answer
LOG_LINES = 20  # kept of each delivery
# The specification's example: three days. Nobody's events come back together: each pause is longer or shorter by 20 %.
PAUSES = tuple(timedelta(seconds=each) for each in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
JITTER = (0.8, 1.2)
IN_A_ROW = 5  # failures after which the whole endpoint is paused
# Of an endpoint, doubling with each further failure.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)
KEPT_WAITING = timedelta(days=3)  # behind an endpoint that does not come back

_CLAIM = """
UPDATE events_eventdelivery SET next_attempt_at = %(until)s WHERE id = (
    SELECT delivery.id FROM events_eventdelivery delivery
    JOIN events_eventendpoint endpoint ON endpoint.id = delivery.endpoint_id
    WHERE endpoint_id = %(endpoint)s AND is_active AND coalesce(paused_until <= %(now)s, true)
        AND state = 'pending' AND next_attempt_at <= %(now)s
    ORDER BY priority, next_attempt_at LIMIT 1 FOR UPDATE OF delivery SKIP LOCKED
) RETURNING id
"""

_busy: set[UUID] = set()
_guard = threading.Lock()
State = EventDelivery.State


@dataclass(frozen=True)
class Outcome:
    """The result of an attempt. ``status`` is None where there was no answer."""

    status: int | None
    milliseconds: int
    answer: str = ""
    problem: str = ""
    retry_after: int | None = None

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def deliver_due(endpoint_id: UUID) -> None:
    """Send what is due to this endpoint, one after the other: one that hangs takes one place of a worker, no more."""
    while True:
        with _turn(endpoint_id) as mine:
            if not mine or not _deliver(endpoint_id):
                return
        # Whoever came meanwhile found the turn taken and left: what they came for is looked for once more.
        if not due(endpoint_id):
            return


def due(endpoint_id: UUID) -> bool:
    now = timezone.now()
    its = EventDelivery.objects.filter(endpoint=endpoint_id, state=State.PENDING, next_attempt_at__lte=now)
    return its.exclude(endpoint__paused_until__gt=now).exists()


def attempt(delivery: EventDelivery) -> Outcome:
    """Send it once. Raises nothing: whatever went wrong is in the outcome."""
    started = time.monotonic()
    try:
        secrets = [secret.open().decode() for secret in delivery.endpoint.secrets.live()]
        if not secrets:
            return Outcome(None, 0, problem="The endpoint has no signing secret. Make one.")
        answer = _post(delivery, secrets)
    except SealError as error:
        return Outcome(None, 0, problem=f"Its signing secret cannot be opened: {error}"[:255])
    except (AddressRefused, AnswerRefused) as error:
        return Outcome(None, _since(started), problem=str(error)[:255])
    except httpx2.TransportError as error:
        return Outcome(None, _since(started), problem=f"No answer: {error}"[:255])
    said = answer.content[:ANSWER_KEPT].decode(errors="replace").replace("\x00", "\ufffd")
    pause = retry_after(answer.headers.get("retry-after", ""))
    return Outcome(answer.status_code, _since(started), answer=said, retry_after=pause)


def delivery_pause(attempts: int, asked: int | None = None) -> timedelta:
    """The pause of a delivery after so many failed attempts; longer where the endpoint asked for it, in seconds."""
    pause = pause_after(attempts - 1, schedule=PAUSES, jitter=JITTER)
    return max(pause, timedelta(seconds=asked or 0))


def endpoint_pause(failures: int, asked: int | None = None) -> timedelta:
    """The pause of a whole endpoint after so many failures in a row; longer where it asked for it, in seconds."""
    pause = pause_after(failures - IN_A_ROW, first=FIRST_PAUSE, longest=LONGEST_PAUSE, jitter=(1, 1))
    return max(pause, timedelta(seconds=asked or 0))


def record(delivery: EventDelivery, outcome: Outcome) -> None:
    """Write the attempt's line, and what follows from it, in one transaction."""
    with transaction.atomic():
        delivery = EventDelivery.objects.select_for_update(of=("self",)).select_related("endpoint").get(pk=delivery.pk)
        DeliveryAttempt.objects.create(
            delivery=delivery,
            milliseconds=outcome.milliseconds,
            status=outcome.status,
            answer=outcome.answer,
            problem=outcome.problem,
        )
        delivery.last_status = outcome.status
        if outcome.delivered:
            _delivered(delivery)
        else:
            _failed(delivery, outcome)
        delivery.save(update_fields=["state", "attempts", "next_attempt_at", "last_status", "delivered_at"])


def _deliver(endpoint_id: UUID) -> bool:
    """Send until nothing is due. False where a later job goes on instead."""
    end = time.monotonic() + TURN_SECONDS
    while delivery := _claim(endpoint_id):
        outcome = attempt(delivery)
        record(delivery, outcome)
        if not outcome.delivered:
            late = timezone.now() - KEPT_WAITING
            _give_up(endpoint_id, Q(failures__gte=IN_A_ROW), next_attempt_at__lte=late)
        if outcome.status is None or time.monotonic() > end:
            enqueue_deliveries({endpoint_id}, at=timezone.now() + REST if outcome.status is None else None)
            return False
    # By the endpoint's state in that statement: what came since a resume is not behind a suspended one.
    _give_up(endpoint_id, Q(is_active=False))
    return True


def _claim(endpoint_id: UUID) -> EventDelivery | None:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"endpoint": endpoint_id, "now": now, "until": now + CLAIMED_FOR})
        row = cursor.fetchone()
    return EventDelivery.objects.select_related("event", "endpoint__secrets").get(pk=row[0]) if row else None


def _post(delivery: EventDelivery, secrets: list[str]) -> httpx2.Response:
    body = delivery.event.body
    headers = {"Content-Type": "application/json"} | sign(delivery.event.message_id, body, secrets)
    with client(seconds=SECONDS, status_decides=True) as http:
        return http.post(delivery.endpoint.url, headers=headers, content=body.encode())


def _delivered(delivery: EventDelivery) -> None:
    delivery.state, delivery.next_attempt_at, delivery.delivered_at = State.DELIVERED, None, timezone.now()
    if delivery.endpoint.failing_since is not None:
        its = EventEndpoint.objects.filter(pk=delivery.endpoint_id)
        its.update(**EventEndpoint.HEALTHY)


def _failed(delivery: EventDelivery, outcome: Outcome) -> None:
    old = delivery.log.values_list("pk", flat=True)[LOG_LINES:]
    DeliveryAttempt.objects.filter(pk__in=list(old)).delete()
    delivery.attempts += 1
    if outcome.status == 410:
        end_for_gone(delivery.endpoint)
    else:
        _count_failure(delivery.endpoint_id, outcome.retry_after)
    if outcome.status == 410 or delivery.attempts >= MAX_ATTEMPTS:
        delivery.state, delivery.next_attempt_at = State.FAILED, None
        return
    delivery.next_attempt_at = timezone.now() + delivery_pause(delivery.attempts, outcome.retry_after)
    enqueue_deliveries({delivery.endpoint_id}, at=delivery.next_attempt_at)


def _count_failure(endpoint_id: UUID, asked: int | None) -> None:
    """Count it, and pause the endpoint where that was one too many."""
    now, its = timezone.now(), EventEndpoint.objects.filter(pk=endpoint_id)
    its.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", now))
    failures = its.values_list("failures", flat=True).get()
    if failures >= IN_A_ROW:
        until = now + endpoint_pause(failures, asked)
        its.update(paused_until=until)
        enqueue_deliveries({endpoint_id}, at=until)


def _give_up(endpoint_id: UUID, where: Q, **which: object) -> None:
    """Call what waits for the endpoint failed, where that is so. It can be sent again once it is resumed, or answers.

    Without a join: a delivery that is being recorded is looked at again once that is committed.
    """
    behind = Exists(EventEndpoint.objects.filter(where, pk=OuterRef("endpoint")))
    waiting = EventDelivery.objects.filter(behind, endpoint=endpoint_id, state=State.PENDING, **which)
    waiting.update(state=State.FAILED, next_attempt_at=None)


@contextmanager
def _turn(endpoint_id: UUID) -> Iterator[bool]:
    """Take the turn to send to this endpoint; False where somebody else of this process has it."""
    with _guard:
        mine = endpoint_id not in _busy
        _busy.add(endpoint_id)
    try:
        yield mine
    finally:
        if mine:
            with _guard:
                _busy.discard(endpoint_id)


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)

"""Writes an event to the outbox: in the transaction of the act that it tells of, or not at all.

An act whose event nobody takes costs no statement: each process remembers for ``REMEMBER`` seconds which types are
wanted. So an endpoint that was just added may miss what other processes do within that time.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from credservice.core.jobs import enqueue
from credservice.events.models import EventDelivery, EventEndpoint
from credservice.events.types import TYPES

REMEMBER = 5.0
# Before all else comes what an exchange or a revocation waits for.
PRIORITY = -10
MODELS = {
    "credential": "credentials_credential",
    "installation": "exchange_installation",
    "resource": "provisioning_resource",
}

# One that said to be gone gets them as failed, to be sent once somebody has resumed it: its 410 may be a slip.
_INSERT = """
WITH taker AS (
    SELECT id FROM events_eventendpoint WHERE (is_active OR ended_by <> '')
        AND (types = '{}' OR %(type)s = ANY(types) OR id = %(only)s) AND (%(only)s::uuid IS NULL OR id = %(only)s)
), event AS (
    INSERT INTO events_event (id, type, object_type, object_id, subject, body, created_at)
    SELECT %(id)s, %(type)s, %(object_type)s, %(object_id)s, %(subject)s, %(body)s, %(at)s
    WHERE EXISTS (SELECT FROM taker) ON CONFLICT DO NOTHING RETURNING id
)
INSERT INTO events_eventdelivery (id, endpoint_id, event_id, state, priority, attempts, next_attempt_at, created_at)
SELECT gen_random_uuid(), taker.id, event.id, 'pending', %(priority)s, 0, %(at)s, %(at)s FROM taker, event
RETURNING endpoint_id
"""


@dataclass(frozen=True)
class Told:
    """Holds what is said of one event. ``is_example``: of an object that does not exist."""

    type_: str
    object_type: str
    object_id: str
    subject: str
    data: dict[str, Any]
    is_example: bool = False

    def body(self, at: datetime) -> str:
        return body_of(self.type_, at, self.object_type, self.object_id, self.subject, self.data, self.is_example)


_rehearsed: ContextVar[list[Told] | None] = ContextVar("rehearsed_events", default=None)
_wanted: tuple[float, bool, frozenset[str]] = (0.0, False, frozenset())
Priority = EventDelivery.Priority


def emit(type_: str, *, object_type: str, object_id: object, subject: str = "", **data: Any) -> None:
    """Tell every endpoint that takes this type, in the caller's transaction.

    ``data`` holds ids, names, states and times that JSON has; never a secret value.
    """
    rehearsed = _rehearsed.get()
    if rehearsed is not None:
        rehearsed.append(Told(type_, object_type, str(object_id), subject, data, is_example=True))
    elif is_wanted(type_):
        _write(Told(type_, object_type, str(object_id), subject, data))


def emit_to(endpoint: EventEndpoint, told: Told) -> UUID:
    """Tell this endpoint alone, whatever types it takes; returns the event's id. The endpoint must be active."""
    return _write(told, only=endpoint)


@contextmanager
def rehearsal() -> Iterator[list[Told]]:
    """Collect what this thread emits within, as examples, and write nothing of it."""
    told: list[Told] = []
    token = _rehearsed.set(told)
    try:
        yield told
    finally:
        _rehearsed.reset(token)


def is_wanted(type_: str) -> bool:
    """Tell if some endpoint takes this type, as of a few seconds ago."""
    global _wanted
    if type_ not in TYPES:
        raise ValueError(f"There is no type of events {type_!r}.")
    if _rehearsed.get() is not None:
        return True
    until, everything, types = _wanted
    if time.monotonic() >= until:
        takers = EventEndpoint.objects.filter(Q(is_active=True) | ~Q(ended_by=""))
        rows = list(takers.order_by().values_list("types", flat=True))
        everything, types = any(not row for row in rows), frozenset(name for row in rows for name in row)
        _wanted = (time.monotonic() + REMEMBER, everything, types)
    return everything or type_ in types


def forget_wanted(**_: Any) -> None:
    """Look again at the next event."""
    global _wanted
    _wanted = (0.0, False, frozenset())


def enqueue_deliveries(endpoints: set[UUID], at: datetime | None = None) -> None:
    """Have the worker deliver what these endpoints have waiting, not before ``at``."""
    for pk in sorted(endpoints):
        enqueue("events.deliver", at=at, priority=PRIORITY, endpoint_id=pk)


def _write(told: Told, *, only: EventEndpoint | None = None) -> UUID:
    now, event_id = datetime.now(UTC), uuid4()
    row: dict[str, Any] = {
        "id": event_id,
        "type": told.type_,
        "object_type": told.object_type,
        "object_id": told.object_id,
        "subject": told.subject,
        "at": now,
        "only": only.pk if only else None,
        "priority": Priority.ASKED_FOR if only else Priority.SINGLE,
        "body": told.body(now),
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, row)
        enqueue_deliveries({pk for (pk,) in cursor.fetchall()})
    return event_id


def body_of(
    type_: str,
    at: datetime,
    object_type: str,
    object_id: str,
    subject: str,
    data: dict[str, Any],
    is_example: bool = False,
) -> str:
    """Write the payload, as Standard Webhooks has it: type, timestamp, data. It is kept, and sent as these bytes.

    An example says that it is one, so that no receiver takes it for what happened.
    """
    about = {"id": object_id} | ({"subject": subject} if subject else {}) | data
    console = _console_page(object_type, object_id)
    if console:
        about["links"] = {"console": console}
    content: dict[str, Any] = {"type": type_, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": about}
    content |= {"example": True} if is_example else {}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _console_page(object_type: str, object_id: str) -> str:
    model = MODELS.get(object_type)
    try:
        return f"{settings.PUBLIC_URL}{reverse(f'admin:{model}_change', args=[object_id])}" if model else ""
    except NoReverseMatch:
        return ""

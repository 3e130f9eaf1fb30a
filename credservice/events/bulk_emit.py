"""Writes the events of many acts at once, as a bulk import has them: one statement, in the acts' transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.db import connection

from credservice.events.emit import body_of, enqueue_deliveries, is_wanted
from credservice.events.models import EventDelivery

_INSERT = """
WITH taker AS (
    SELECT id FROM events_eventendpoint WHERE (is_active OR ended_by <> '') AND (types = '{}' OR %(type)s = ANY(types))
), event AS (
    INSERT INTO events_event (id, type, object_type, object_id, subject, body, created_at)
    SELECT new.id, %(type)s, %(object_type)s, new.object_id, new.subject, new.body, %(at)s
    FROM unnest(%(ids)s::uuid[], %(object_ids)s::text[], %(subjects)s::text[], %(bodies)s::text[])
        AS new(id, object_id, subject, body)
    WHERE EXISTS (SELECT FROM taker) ON CONFLICT DO NOTHING RETURNING id
), delivery AS (
    INSERT INTO events_eventdelivery (id, endpoint_id, event_id, state, priority, attempts, next_attempt_at, created_at)
    SELECT gen_random_uuid(), taker.id, event.id, 'pending', %(priority)s, 0, %(at)s, %(at)s FROM taker, event
    RETURNING endpoint_id
)
SELECT DISTINCT endpoint_id FROM delivery
"""


@dataclass(frozen=True)
class Telling:
    """One object that an event is about, and what is said of it (see ``emit``)."""

    object_id: str
    subject: str
    data: Mapping[str, Any]


def emit_many(type_: str, *, object_type: str, about: Sequence[Telling]) -> None:
    """Do :func:`credservice.events.emit.emit` of one type about each of many, in the caller's transaction.

    They are sent after whatever else is due.
    """
    if not about or not is_wanted(type_):
        return
    now = datetime.now(UTC)
    row: dict[str, Any] = {
        "type": type_,
        "object_type": object_type,
        "at": now,
        "priority": EventDelivery.Priority.BULK,
        "ids": [uuid4() for _ in about],
        "object_ids": [each.object_id for each in about],
        "subjects": [each.subject for each in about],
        "bodies": [body_of(type_, now, object_type, each.object_id, each.subject, dict(each.data)) for each in about],
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, row)
        enqueue_deliveries({pk for (pk,) in cursor.fetchall()})

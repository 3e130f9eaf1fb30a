"""Writing to the trail: one function, one statement."""

import json
from typing import Any

from django.db import connection

from credservice.http.context import current_context

_INSERT = """
INSERT INTO audit_auditevent
    (action, outcome, reason, actor, object_type, object_id, subject, source, request_id, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::inet, %s, %s::jsonb)
"""


def record(
    *,
    action: str,
    actor: str,
    outcome: str = "done",
    reason: str = "",
    object_type: str = "",
    object_id: object = "",
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one line, in the caller's transaction; outside of one, it is committed when this returns.

    The request's id, source address and noted facts come from the request in hand. ``detail`` holds ids and facts,
    never a value of a credential. Database errors are not caught: what cannot be recorded must not happen.
    """
    context = current_context()
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                action,
                outcome,
                reason,
                _storable(actor)[:255],
                object_type,
                _storable(str(object_id))[:255],
                _storable(subject)[:255],
                context.source,
                context.request_id,
                json.dumps(_storable(context.facts | (detail or {}))),
            ],
        )


def _storable(value: Any) -> Any:
    """``value`` without what PostgreSQL's texts cannot hold, NUL and lone surrogates: odd input is recorded as well."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode().replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value

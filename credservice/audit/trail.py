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

    The request's id and source address come from the request in hand. ``detail`` holds ids and facts, never a value
    of a credential. Database errors are not caught: what cannot be recorded must not happen.
    """
    context = current_context()
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                action,
                outcome,
                reason,
                actor[:255],
                object_type,
                str(object_id)[:255],
                subject[:255],
                context.source,
                context.request_id,
                json.dumps(detail or {}),
            ],
        )

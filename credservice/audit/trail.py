"""Writing to the trail: one function, one statement. Of many lines at once, one statement as well."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from credservice.copying import NULL, copy_lines, escaped
from credservice.http.context import RequestContext, current_context

_INSERT = """
INSERT INTO audit_auditevent
    (action, outcome, reason, actor, object_type, object_id, subject, source, request_id, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::inet, %s, %s::jsonb)
"""
_COPY = """
COPY audit_auditevent (action, outcome, reason, actor, object_type, object_id, subject, source, request_id, detail)
FROM STDIN
"""


@dataclass(frozen=True)
class Line:
    """What :func:`record` is told, kept to be written with others."""

    action: str
    actor: str
    outcome: str = "done"
    reason: str = ""
    object_type: str = ""
    object_id: object = ""
    subject: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


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
    line = Line(action, actor, outcome, reason, object_type, object_id, subject, detail or {})
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, _columns(line, current_context()))


def record_many(lines: Iterable[Line]) -> None:
    """:func:`record` of each, in this order and in the caller's transaction."""
    context = current_context()
    copy_lines(_COPY, ([NULL if text is None else escaped(text) for text in _columns(line, context)] for line in lines))


def _columns(line: Line, context: RequestContext) -> list[str | None]:
    return [
        line.action,
        line.outcome,
        line.reason,
        _storable(line.actor)[:255],
        line.object_type,
        _storable(str(line.object_id))[:255],
        _storable(line.subject)[:255],
        context.source,
        context.request_id,
        _json(context.facts | line.detail),
    ]


def _json(detail: dict[str, Any]) -> str:
    text = json.dumps(detail)
    # Escaped, as everything beyond ASCII is; a pair of surrogates is a sound character, and is kept.
    return json.dumps(_storable(detail)) if "\\u0000" in text or "\\ud" in text else text


def _storable(value: Any) -> Any:
    """``value`` without what PostgreSQL's texts cannot hold, NUL and lone surrogates: odd input is recorded as well."""
    if isinstance(value, str):
        if value.isascii() and "\x00" not in value:
            return value
        return value.encode(errors="replace").decode().replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value

"""Writes lines to the audit log: one statement for one line, and one for many."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from credservice.audit.names import object_type_of
from credservice.core.hot_statements import HotStatement
from credservice.core.postgres_copy import NULL, copy_lines, escaped
from credservice.http.context import RequestContext, current_context

_INSERT = HotStatement(
    "audit_line",
    """
INSERT INTO audit_auditevent
    (action, outcome, reason, actor, object_type, object_id, subject, source, request_id, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::inet, $9, $10::jsonb)
""",
)
_COPY = """
COPY audit_auditevent (action, outcome, reason, actor, object_type, object_id, subject, source, request_id, detail)
FROM STDIN
"""


@dataclass(frozen=True)
class Line:
    """One act as the log says it. ``detail`` holds ids and facts, never a value of a credential."""

    action: str
    actor: str
    outcome: str = "done"
    reason: str = ""
    object_type: str = ""
    object_id: object = ""
    subject: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def about(
        cls,
        obj: Any,
        action: str,
        actor: str,
        detail: Mapping[str, Any] | None = None,
        *,
        outcome: str = "done",
        reason: str = "",
    ) -> Self:
        """Make the line of an act on a row, which tells its own type and id.

        A model may tell as well whose its rows are (``subject``), and what every line about one says (``audit_facts``).
        """
        return cls(
            action,
            actor,
            outcome,
            reason,
            object_type=object_type_of(obj._meta.model),  # not its type: a request's user is a proxy
            object_id=obj.pk,
            subject=getattr(obj, "subject", ""),
            detail={**getattr(obj, "audit_facts", {}), **(detail or {})},
        )


def record(line: Line) -> None:
    """Write one line, in the caller's transaction; outside of one, it is committed when this returns.

    The request's id, source address and noted facts come from the request in hand. Database errors are not caught:
    what cannot be recorded must not happen.
    """
    _INSERT.later(*_columns(line, current_context()))


def record_many(lines: Iterable[Line]) -> None:
    """Write many lines, in this order and in the caller's transaction, as :func:`record` does one."""
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
    """Replace what PostgreSQL's texts cannot hold, NUL and lone surrogates: odd input is recorded as well."""
    if isinstance(value, str):
        if value.isascii() and "\x00" not in value:
            return value
        return value.encode(errors="replace").decode().replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value

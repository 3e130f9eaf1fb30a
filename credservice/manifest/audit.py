"""Records in the audit log what an apply did: a line for each row, and one for the file."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from credservice.audit import Line, record
from credservice.manifest.document import dotted
from credservice.manifest.schema import ChangedAnswers, Plan, Row


def record_row(plan: Plan, row: Row, accepted: Sequence[ChangedAnswers] = ()) -> None:
    """Record that the row is new or changed, and how many ``accepted`` changes of answers that makes."""
    detail: dict[str, Any] = {"changes": row.changed} if row.changed else {}
    if accepted:
        counts: Counter[str] = Counter()
        for each in accepted:
            counts.update(each.counts)
        detail["accepted_changed_answers"] = dict(counts)
    _record(plan, row, "created" if row.is_new else "changed", detail)


def record_changes(plan: Plan, row: Row, changes: dict[str, Any]) -> None:
    """Record what changed of a row in another table than its own."""
    _record(plan, row, "changed", {"changes": changes})


def _record(plan: Plan, row: Row, verb: str, detail: dict[str, Any]) -> None:
    kind = row.section.object_type
    record(
        Line(
            f"{kind}.{verb}",
            plan.actor,
            object_type=kind,
            object_id=row.obj.pk,
            subject=_subject(row),
            detail={"path": dotted(row.item.path)} | detail,
        )
    )


def _subject(row: Row | None) -> str:
    """Name whose it is: of the row itself, or of the one that it belongs to."""
    return (getattr(row.obj, "subject", "") or _subject(row.parent)) if row is not None else ""


def record_run(plan: Plan, text: str, name: str) -> None:
    detail = {
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "created": sum(change.sign == "+" for change in plan.changes),
        "changed": sum(change.sign == "~" for change in plan.changes),
    }
    record(Line("setup.applied", plan.actor, object_type="setup_file", object_id=name, detail=detail))

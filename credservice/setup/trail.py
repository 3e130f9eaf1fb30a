"""The lines that an apply leaves in the trail: one for each row, and one for the file."""

import hashlib

from credservice.audit import record
from credservice.setup.plan import Plan
from credservice.setup.problems import dotted
from credservice.setup.section import Row


def record_row(plan: Plan, row: Row) -> None:
    record(
        action=f"{row.section.object_type}.{'created' if row.is_new else 'changed'}",
        actor=plan.actor,
        object_type=row.section.object_type,
        object_id=row.obj.pk,
        subject=_subject(row),
        detail={"path": dotted(row.item.path)} | ({"changes": row.changed} if row.changed else {}),
    )


def _subject(row: Row | None) -> str:
    """Whose it is: of the row itself, or of the one that it belongs to."""
    return (getattr(row.obj, "subject", "") or _subject(row.parent)) if row is not None else ""


def record_run(plan: Plan, text: str, name: str) -> None:
    record(
        action="setup.applied",
        actor=plan.actor,
        object_type="setup_file",
        object_id=name,
        detail={
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "created": sum(change.sign == "+" for change in plan.changes),
            "changed": sum(change.sign == "~" for change in plan.changes),
        },
    )

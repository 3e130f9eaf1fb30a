"""Records in the audit log what an apply did: a line for each row, and one for the file."""

import hashlib

from credservice.audit import Line, record
from credservice.manifest.document import dotted
from credservice.manifest.schema import Plan, Row


def record_row(plan: Plan, row: Row) -> None:
    kind, detail = row.section.object_type, {"path": dotted(row.item.path)}
    record(
        Line(
            f"{kind}.{'created' if row.is_new else 'changed'}",
            plan.actor,
            object_type=kind,
            object_id=row.obj.pk,
            subject=_subject(row),
            detail=detail | ({"changes": row.changed} if row.changed else {}),
        )
    )


def _subject(row: Row | None) -> str:
    """Whose it is: of the row itself, or of the one that it belongs to."""
    return (getattr(row.obj, "subject", "") or _subject(row.parent)) if row is not None else ""


def record_run(plan: Plan, text: str, name: str) -> None:
    detail = {
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "created": sum(change.sign == "+" for change in plan.changes),
        "changed": sum(change.sign == "~" for change in plan.changes),
    }
    record(Line("setup.applied", plan.actor, object_type="setup_file", object_id=name, detail=detail))

"""What an entry says about its row's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credservice.setup.change import Change
from credservice.setup.columns import Field, Secret
from credservice.setup.inline import inline, plain
from credservice.setup.problems import BadValue
from credservice.setup.rules import validate
from credservice.setup.section import Row
from credservice.setup.source import Item

if TYPE_CHECKING:
    from credservice.setup.plan import Plan


def read_fields(plan: Plan, row: Row) -> list[Change]:
    """Set the columns that the entry names, and return what that changes. What it does not name stays as it is."""
    entries = row.item.entries
    if entries is None:
        plan.distrust(row.obj)
        return []
    plan.refuse_unknown(entries, row.section.keys())
    plan.adopt(row.section, row.obj)
    changes = [Change("+", row.item)] if row.is_new else []
    failed: set[str] = set()
    for known in row.section.fields:
        item = entries.get(known.name)
        if item is None:
            if known.required and row.is_new:
                plan.refuse(row.item, f"{known.name} is missing: write {known.kind.what}")
                failed.add(known.attribute)
            continue
        try:
            difference = _set(plan, row, known, item)
        except BadValue as error:
            plan.refuse(error.item or item, str(error))
            failed.add(known.attribute)
            continue
        if difference is not None:
            changes.append(Change("~", item, difference))
    validate(plan, row, failed)
    return changes


def _set(plan: Plan, row: Row, known: Field, item: Item) -> str | None:
    """The difference to show; None where there is none. Raises BadValue."""
    value = known.read(item, row, plan)
    if row.is_new:
        known.assign(row.obj, value)
        return None
    if known.is_same(row.obj, value):
        return None
    old, new = known.show(getattr(row.obj, known.attribute)), known.show(value)
    known.assign(row.obj, value)
    row.changed[known.attribute] = {} if known.personal else {"from": plain(old), "to": plain(new)}
    return "changed" if isinstance(known, Secret) else f"{inline(old)} -> {inline(new)}"

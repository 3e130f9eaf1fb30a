"""Reads what an entry says about its row's columns."""

from __future__ import annotations

from credservice.manifest.columns import Secret
from credservice.manifest.document import BadValue, Item
from credservice.manifest.inline import inline, plain
from credservice.manifest.rules import validate
from credservice.manifest.schema import Change, Field, Plan, Row


def read_fields(plan: Plan, row: Row) -> list[Change]:
    """Set the columns that the entry names, and return what that changes. What it does not name stays as it is."""
    entries = row.item.entries
    if entries is None:
        plan.distrust(row.obj)
        return []
    plan.refuse_unknown(entries, row.section.keys())
    for column in row.section.fields:
        column.adopt(row.obj, plan)
    changes = [Change("+", row.item)] if row.is_new else []
    failed: set[str] = set()
    for known in row.section.fields:
        item = entries.get(known.name)
        if item is None:
            if known.required and row.is_new:
                plan.refuse(row.item.entry(known.name), f"this is missing: write {known.kind.what}")
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
    for known in row.section.fields:
        if isinstance(known, Secret) and known.is_left_behind(row):
            plan.refuse(
                row.item.entry(known.name), "this secret is sent to the address that changes: give it with the new one"
            )
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

"""Finds the rows that the entries of a section name: those that are there, and new ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from credservice.manifest.columns import Reference
from credservice.manifest.document import Item
from credservice.manifest.schema import Plan, Row, Section, chunks

Group = tuple[Row | None, Item]  # a row of the section above, and the mapping under it


def rows_of(plan: Plan, section: Section, groups: Sequence[Group]) -> list[Row]:
    """Return a row for each entry of these mappings, found in a few queries however many there are."""
    entries = [(parent, item) for parent, group in groups for item in _named(plan, section, group)]
    existing = _existing(section, entries)
    rows: dict[tuple[Any, str], Row] = {}
    for parent, item in entries:
        belongings = section.belongings(parent)
        new = section.model(**belongings, **{section.key: item.name})
        place = (section.scope_of(new), item.name)
        if place in rows:
            plan.refuse(item, f"this {section.noun} stands in the file twice: keep one of them")
            continue
        obj = existing.get(place, new)
        unfolded = _unfolded(plan, section, item)
        if plan.only_missing and obj is not new:
            unfolded = _sections_alone(section, unfolded)
        rows[place] = row = Row(section, obj, unfolded, parent, is_new=obj is new)
        plan.know(section, obj, item.name)
        _keep_in_place(plan, row, belongings)
    return list(rows.values())


def _named(plan: Plan, section: Section, group: Item) -> Iterator[Item]:
    if group.entries is None and not group.is_null:
        plan.refuse(group, f"this is {group.what}: write a mapping of names")
    for name, item in (group.entries or {}).items():
        if name.strip() and "\x00" not in name:
            yield item
        else:
            plan.refuse(item, "this name is empty or holds a NUL character", section.key)


def _unfolded(plan: Plan, section: Section, item: Item) -> Item:
    """The entry as a mapping; one that cannot be read as such stays what it is."""
    if item.is_null:
        return Item(item.path, item.line, entries={})
    if item.text is not None and section.shorthand:
        return Item(item.path, item.line, entries={section.shorthand: item})
    if item.entries is None:
        plan.refuse(item, f"this is {item.what}: write a mapping of {', '.join(section.keys())}")
    return item


def _sections_alone(section: Section, item: Item) -> Item:
    """Leave out what an entry says of its own row: what stands under it may be missing yet."""
    inner = {known.name for known in section.sections}
    return Item(item.path, item.line, entries={name: at for name, at in (item.entries or {}).items() if name in inner})


def _existing(section: Section, entries: Sequence[tuple[Row | None, Item]]) -> dict[tuple[Any, str], Any]:
    """The database's rows of these names, by scope and name."""
    column = section.scope or section.parent
    scopes = {owner.pk for parent, _ in entries if (owner := section.belongings(parent).get(column)) is not None}
    references = [known.attribute for known in section.fields if isinstance(known, Reference)]
    rows = section.model._default_manager.filter(**{f"{column}__in": scopes} if column else {})
    rows = rows.select_related(*references) if references else rows
    found: dict[tuple[Any, str], Any] = {}
    for names in chunks(sorted({item.name for _, item in entries})):
        for obj in rows.filter(**{f"{section.key}__in": names}):
            found[section.scope_of(obj), getattr(obj, section.key)] = obj
    return found


def _keep_in_place(plan: Plan, row: Row, belongings: dict[str, Any]) -> None:
    """Refuse what is named under another row than it belongs to: nothing moves from one customer to another."""
    for column, owner in belongings.items():
        if getattr(row.obj, f"{column}_id") != owner.pk:
            noun = column.replace("_", " ")
            plan.refuse(row.item, f"it belongs to another {noun} in the database, and stays there")
            plan.distrust(row.obj)
        setattr(row.obj, column, owner)

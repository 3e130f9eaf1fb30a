"""Writes the database as a set-up file, which ``apply`` reads back as "nothing to change". Secrets are left out.

In their place stands a comment that shows how to refer to them; ``apply`` leaves alone what a file does not name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from credservice.manifest.columns import Reference
from credservice.manifest.inline import inline, placeholder
from credservice.manifest.registry import top_sections
from credservice.manifest.schema import HIDDEN, OMIT, SIZE, Hidden, Section


def export(without: Sequence[str] = ()) -> Iterator[str]:
    """Yield the lines of the file, section by section; those named in ``without`` are left out."""
    for section in top_sections():
        if section.name not in without:
            lines = _grouped(section, [None], {}, without).get(None, [])
            if lines:
                yield f"{section.name}:"
                yield from (f"  {line}" for line in lines)


def _grouped(
    section: Section, parents: Sequence[Any], paths: dict[Any, tuple[str, ...]], without: Sequence[str]
) -> dict[Any, list[str]]:
    """The lines of each parent's rows, by the parent's primary key."""
    rows = section.model._default_manager.order_by(*[section.parent] * bool(section.parent), section.key)
    rows = rows.select_related(*(known.attribute for known in section.fields if isinstance(known, Reference)))
    if section.parent:
        rows = rows.filter(**{f"{section.parent}__in": parents})
    lines: dict[Any, list[str]] = {}
    found = rows.iterator(chunk_size=SIZE)
    while batch := [obj for _, obj in zip(range(SIZE), found, strict=False)]:
        for owner, texts in _blocks(section, batch, paths, without):
            lines.setdefault(owner, []).extend(texts)
    return lines


def _blocks(
    section: Section, rows: Sequence[Any], paths: dict[Any, tuple[str, ...]], without: Sequence[str]
) -> Iterator[tuple[Any, list[str]]]:
    def owner(obj: Any) -> Any:
        return getattr(obj, f"{section.parent}_id") if section.parent else None

    own = {obj.pk: (*paths.get(owner(obj), ()), str(getattr(obj, section.key))) for obj in rows}
    extras = [(extra.name, extra.dump(rows, lambda obj: own[obj.pk])) for extra in section.extras]
    inner = [(part.name, _grouped(part, rows, own, without)) for part in section.sections if part.name not in without]
    for parent, group in groupby(rows, owner):
        for obj in group:
            body = list(_values(section, obj, own[obj.pk]))
            body += [_line(name, values[obj.pk]) for name, values in extras if obj.pk in values]
            for name, lines in inner:
                if obj.pk in lines:
                    body += [f"{name}:", *(f"  {line}" for line in lines[obj.pk])]
            yield parent, _block(inline(own[obj.pk][-1]), body)


def _values(section: Section, obj: Any, path: tuple[str, ...]) -> Iterator[str]:
    for known in section.fields:
        value = known.dump(obj)
        if value is not OMIT:
            yield _line(known.name, Hidden(placeholder((*path, known.name))) if value is HIDDEN else value)


def _line(name: str, value: Any) -> str:
    return f"# {name}: {inline(value.value)}" if isinstance(value, Hidden) else f"{name}: {inline(value)}"


def _block(key: str, body: list[str]) -> list[str]:
    if all(line.startswith("#") for line in body):
        return [f"{key}: {{}}", *(f"  {line}" for line in body)]
    return [f"{key}:", *(f"  {line}" for line in body)]

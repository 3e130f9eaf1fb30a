"""What a set-up file would change: reads every entry, compares it with the database, collects all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models

from credservice.setup.inline import inline
from credservice.setup.problems import BadValue, Problems, dotted
from credservice.setup.section import (
    Extra,
    Field,
    Reference,
    Row,
    Secret,
    Section,
    get_section,
    plan_checks,
    top_sections,
)
from credservice.setup.source import Item

CHUNK = 1000
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Change:
    """One line of the difference. ``write`` does it, for what is no column of a row."""

    sign: str  # + is new, ~ is changed
    item: Item
    detail: str = ""
    write: Callable[[], None] | None = None

    def __str__(self) -> str:
        return f"{self.sign} {dotted(self.item.path)}" + (f": {self.detail}" if self.detail else "")


@dataclass
class Plan:
    """The rows that a file names and the changes that they need, in the order that they can be written in."""

    actor: str
    problems: Problems
    progress: Progress = lambda what, done, total: None
    rows: dict[str, list[Row]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    steps: list[tuple[Section, list[Row], list[tuple[Extra, list[Change]]]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _index: dict[tuple[str, Any, str], Any] = field(default_factory=dict)
    _by_pk: dict[Any, Any] = field(default_factory=dict)
    _bad: set[Any] = field(default_factory=set)

    def refuse(self, item: Item, text: str) -> None:
        self.problems.add(item.line, item.path, text)

    def note(self, item: Item, text: str) -> None:
        """Tell what a person may want to know and that is no error."""
        self.notes.append(f"{dotted(item.path)}: {text}")

    def find(self, section_name: str, scope: Any, key: str) -> Any:
        """The row of this name, in the file or else in the database; None where there is none."""
        section = get_section(section_name)
        place = (section_name, scope.pk if scope is not None else None, key)
        if place not in self._index:
            column = section.scope or section.parent
            where = {section.key: key} | ({column: scope} if column else {})
            known = scope is None or not scope._state.adding
            self._index[place] = section.model._default_manager.filter(**where).first() if known else None
        return self._index[place]

    def read(self, root: Item) -> None:
        """Plan the whole file."""
        entries = root.entries or {}
        self._refuse_unknown(entries, [section.name for section in top_sections()])
        for section in top_sections():
            if section.name in entries:
                self._plan(section, [(None, entries[section.name])])
        for check in plan_checks():
            check(self)

    def changed(self, section_name: str, *columns: str) -> dict[Any, Row]:
        """The file's rows whose columns change, by primary key."""
        rows = self.rows.get(section_name, [])
        return {row.obj.pk: row for row in rows if self.is_sound(row.obj) and set(columns) & set(row.changed)}

    def includes(self, obj: Any) -> bool:
        """Whether the file names this row."""
        return obj.pk in self._by_pk

    def is_sound(self, obj: Any) -> bool:
        """Whether nothing was wrong with this row so far: what refers to it can be judged."""
        return obj.pk not in self._bad

    def _plan(self, section: Section, groups: Sequence[tuple[Row | None, Item]]) -> None:
        rows = self._rows(section, groups)
        self.rows[section.name] = rows
        for done, row in enumerate(rows, start=1):
            self._read_fields(row)
            if done % CHUNK == 0:
                self.progress(section.name, done, len(rows))
        self._check_unique(section, rows)
        if section.check is not None:
            section.check(self, rows)
        extras = [(extra, self._extra(extra, rows)) for extra in section.extras]
        self.steps.append((section, rows, extras))
        for inner in section.sections:
            named = [(row, item) for row in rows if (item := row.entry(inner.name)) is not None]
            if named:
                self._plan(inner, named)

    def _extra(self, extra: Extra, rows: list[Row]) -> list[Change]:
        changes = list(extra.plan(self, rows))
        self.changes += changes
        return changes

    # --- Which rows the entries are ------------------------------------------------------------------------------

    def _rows(self, section: Section, groups: Sequence[tuple[Row | None, Item]]) -> list[Row]:
        entries = [(parent, item) for parent, group in groups for item in self._named(group)]
        existing = _existing(section, entries)
        rows: list[Row] = []
        seen: set[tuple[str, Any, str]] = set()
        for parent, item in entries:
            belongings = section.belongings(parent)
            new = section.model(**belongings, **{section.key: section.key_of(item)})
            place = (section.name, section.scope_of(new), section.key_of(item))
            obj = existing.get(place[1:])
            if place in seen:
                self.refuse(item, f"this {section.noun} stands in the file twice: keep one of them")
                continue
            seen.add(place)
            row = Row(section, new if obj is None else obj, self._unfolded(section, item), parent, obj is None)
            self._index[place] = self._by_pk[row.obj.pk] = row.obj
            self._check_belongings(row, belongings)
            rows.append(row)
        return rows

    def _named(self, group: Item) -> Iterator[Item]:
        if group.entries is None:
            if not group.is_null:
                self.refuse(group, f"this is {group.what}: write a mapping of names")
            return
        for name, item in group.entries.items():
            if name.strip() and "\x00" not in name:
                yield item
            else:
                self.refuse(item, "this name is empty or holds a NUL character")

    def _unfolded(self, section: Section, item: Item) -> Item:
        if item.entries is not None or item.is_null:
            return item
        if section.shorthand and item.text is not None:
            return Item(item.path, item.line, entries={section.shorthand: item})
        self.refuse(item, f"this is {item.what}: write a mapping of {', '.join(section.keys())}")
        return Item(item.path, item.line, entries={})

    def _check_belongings(self, row: Row, belongings: dict[str, Any]) -> None:
        for column, owner in belongings.items():
            if getattr(row.obj, f"{column}_id") != owner.pk:
                self.refuse(
                    row.item, f"it belongs to another {column.replace('_', ' ')} in the database, and stays there"
                )
                self._bad.add(row.obj.pk)
            setattr(row.obj, column, owner)

    # --- What each says ------------------------------------------------------------------------------------------

    def _read_fields(self, row: Row) -> None:
        section, entries = row.section, row.item.entries or {}
        before = len(self.problems)
        self._refuse_unknown(entries, section.keys())
        self._adopt(row)
        changes = [Change("+", row.item)] if row.is_new else []
        for known in section.fields:
            item = entries.get(known.name)
            if item is None:
                if known.required and row.is_new:
                    self.refuse(row.item, f"{known.name} is missing: write {known.kind.what}")
                continue
            try:
                value = known.read(item, row, self)
            except BadValue as error:
                self.refuse(error.item or item, str(error))
                continue
            if row.is_new:
                known.assign(row.obj, value)
            elif not known.is_same(row.obj, value):
                changes.append(Change("~", item, _difference(known, row.obj, value)))
                known.assign(row.obj, value)
                row.changed.append(known.attribute)
        if len(self.problems) == before and self.is_sound(row.obj):
            self._validate(row)
        if len(self.problems) > before:
            self._bad.add(row.obj.pk)
        self.changes += changes

    def _refuse_unknown(self, entries: dict[str, Item], known: Sequence[str]) -> None:
        for name, item in entries.items():
            if name not in known:
                self.refuse(item, f"there is no such key: write one of {', '.join(known)}")

    def _adopt(self, row: Row) -> None:
        """Let the row refer to the file's rows, not to their stale images from the database."""
        for known in row.section.fields:
            if isinstance(known, Reference):
                planned = self._by_pk.get(getattr(row.obj, f"{known.attribute}_id"))
                if planned is not None:
                    setattr(row.obj, known.attribute, planned)

    def _validate(self, row: Row) -> None:
        """The model's own rules. Not its uniqueness, which is checked for all rows at once."""
        referred = [
            getattr(row.obj, known.attribute, None) for known in row.section.fields if isinstance(known, Reference)
        ]
        if not all(obj is None or self.is_sound(obj) for obj in referred):
            return
        try:
            _clean(row.obj)
        except ValidationError as error:
            for column, messages in error.message_dict.items():
                known = next((known for known in row.section.fields if known.attribute == column), None)
                item = row.entry(known.name) if known else None
                self.refuse(item or row.item, " ".join(messages))
        except ImproperlyConfigured as error:
            self.refuse(row.item, str(error))

    def _check_unique(self, section: Section, rows: Sequence[Row]) -> None:
        for column, scope in section.unique.items():
            self._refuse_shared(section, column, f"{scope}_id" if scope else "", rows)

    def _refuse_shared(self, section: Section, column: str, scope: str, rows: Sequence[Row]) -> None:
        def value(obj: Any) -> tuple[Any, Any]:
            return (getattr(obj, scope) if scope else None), getattr(obj, column)

        first: dict[tuple[Any, Any], Row] = {}
        for row in rows:
            other = first.setdefault(value(row.obj), row)
            if other is not row and getattr(row.obj, column):
                self._refuse_value(row, column, f"that of {section.key_of(other.item)} as well: each has its own")
        moved = [row for row in rows if getattr(row.obj, column) and (row.is_new or column in row.changed)]
        for some in _chunks(moved):
            taken = section.model._default_manager.filter(**{f"{column}__in": [value(row.obj)[1] for row in some]})
            owners = {value(obj): obj for obj in taken}
            for row in some:
                owner = owners.get(value(row.obj))
                if owner is not None and owner.pk != row.obj.pk:
                    name = getattr(owner, section.key)
                    self._refuse_value(row, column, f"that of {name} in the database: change that one first")

    def _refuse_value(self, row: Row, column: str, text: str) -> None:
        known = next(known for known in row.section.fields if known.attribute == column)
        self.refuse(row.entry(known.name) or row.item, f"this is {text}")


def _existing(section: Section, entries: Sequence[tuple[Row | None, Item]]) -> dict[tuple[Any, str], Any]:
    """The database's rows of these names, by scope and name, in a few queries."""
    column = section.scope or section.parent
    scopes = {owner.pk for parent, _ in entries if (owner := section.belongings(parent).get(column)) is not None}
    keys = sorted({section.key_of(item) for _, item in entries})
    references = [known.attribute for known in section.fields if isinstance(known, Reference)]
    rows = section.model._default_manager.select_related(*references) if references else section.model._default_manager
    found: dict[tuple[Any, str], Any] = {}
    for some in _chunks(keys):
        where = {f"{section.key}__in": some} | ({f"{column}__in": scopes} if column else {})
        for obj in rows.filter(**where):
            found[section.scope_of(obj), getattr(obj, section.key)] = obj
    return found


def _clean(obj: models.Model) -> None:
    """full_clean() without its queries for foreign keys and uniqueness."""
    errors: dict[str, list[ValidationError]] = {}
    keys = {column.name for column in obj._meta.fields if column.is_relation}
    steps: Iterable[Callable[[], None]] = (
        obj.clean,
        lambda: obj.clean_fields(exclude=keys | set(errors)),
        lambda: _check_constraints(obj),
    )
    for step in steps:
        try:
            step()
        except ValidationError as error:
            errors = error.update_error_dict(errors)
    if errors:
        raise ValidationError(errors)


def _check_constraints(obj: models.Model) -> None:
    for constraint in obj._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            constraint.validate(type(obj), obj)


def _difference(known: Field, obj: Any, value: Any) -> str:
    if isinstance(known, Secret):
        return "changed"
    return f"{inline(known.show(getattr(obj, known.attribute)))} -> {inline(known.show(value))}"


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))

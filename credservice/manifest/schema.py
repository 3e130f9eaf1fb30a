"""Declares what a set-up file may name. Each app describes its part in a ``manifest`` module and registers it.

A :class:`Section` is a mapping of the file whose keys name rows of one model. Its fields are columns, its extras what
lives in other tables (secrets, grants), its sections the rows that belong to each of its own. A :class:`Plan` is what
one file would change of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import models

from credservice.manifest.document import Item, Problems, dotted
from credservice.manifest.kinds import Kind

SIZE = 1000  # rows of one query
Progress = Callable[[str, int, int], None]
T = TypeVar("T")
OMIT = object()  # an export says nothing of it
HIDDEN = object()  # an export says that it is there


@dataclass(frozen=True)
class Field:
    """A column of the section's model. ``personal``: the trail says that it changed, not from what to what."""

    name: str
    kind: Kind
    column: str = ""
    required: bool = False
    personal: bool = False

    @property
    def attribute(self) -> str:
        return self.column or self.name

    def read(self, item: Item, row: Row, plan: Plan) -> Any:
        """Read the value for the column. Raises :class:`BadValue`."""
        return self.kind.read(item)

    def is_same(self, obj: Any, value: Any) -> bool:
        return bool(getattr(obj, self.attribute) == value)

    def assign(self, obj: Any, value: Any) -> None:
        setattr(obj, self.attribute, value)

    def show(self, value: Any) -> Any:
        """Return the value as the file has it."""
        return self.kind.dump(value)

    def dump(self, obj: Any) -> Any:
        """Return the value for an export; :data:`OMIT` where it says nothing that a new row would not have."""
        value = getattr(obj, self.attribute)
        column = obj._meta.get_field(self.attribute)
        return OMIT if not self.required and value == column.get_default() else self.kind.dump(value)

    def adopt(self, obj: Any, plan: Plan) -> None:
        """Let ``obj`` refer to the file's row, not to its stale image from the database: for references."""


@dataclass
class Row:
    """One named entry of the file and its database row, which may be new."""

    section: Section
    obj: Any
    item: Item
    parent: Row | None
    is_new: bool
    changed: dict[str, Any] = field(default_factory=dict)  # columns, each with what the trail is told

    def entry(self, name: str) -> Item | None:
        return (self.item.entries or {}).get(name)


class Extra:
    """A key of an entry that is about other tables than the entry's own."""

    name = ""
    what = ""

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        """Yield what would have to change, all rows at once. Bad values go to ``plan.refuse``."""
        raise NotImplementedError

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        """Return values by primary key, for an export; :class:`Hidden` for what only a reference may stand for."""
        raise NotImplementedError


@dataclass(frozen=True)
class Hidden:
    """Stands in an export for a secret, as a comment that shows how to refer to it."""

    value: Any


@dataclass(eq=False)
class Section:
    """A mapping of the file whose keys name rows of ``model`` by their column ``key``."""

    name: str
    model: type[models.Model]
    key: str
    fields: Sequence[Field]
    parent: str = ""  # the column that refers to the row of the section above
    scope: str = ""  # the column within which the key is unique; that of the parent by default
    extras: Sequence[Extra] = ()
    sections: Sequence[Section] = ()
    shorthand: str = ""  # the field that a single value in place of a mapping stands for
    unique: Mapping[str, str] = field(default_factory=dict)  # other unique columns, each with its scope's column or ""
    many: bool = False  # rows by the thousand: written in bulk
    write_order: Callable[[Row], Any] = lambda row: 0  # among changed rows
    before_create: Callable[[Any], None] = lambda obj: None
    after_change: Callable[[Row], None] = lambda row: None
    check: Callable[[Plan, Sequence[Row]], None] | None = None  # rules over several rows

    @property
    def noun(self) -> str:
        return str(self.model._meta.verbose_name)

    @property
    def nouns(self) -> str:
        return str(self.model._meta.verbose_name_plural)

    @property
    def object_type(self) -> str:
        return self.noun.replace(" ", "_")

    def belongings(self, parent: Row | None) -> dict[str, Any]:
        """Return the columns that place a new row: its parent, and its scope where that is another."""
        if parent is None:
            return {}
        columns = {self.parent: parent.obj}
        if self.scope and self.scope != self.parent:
            columns[self.scope] = getattr(parent.obj, self.scope)
        return columns

    def scope_of(self, obj: Any) -> Any:
        """Return the primary key of the row within which this one's key is unique."""
        column = self.scope or self.parent
        return getattr(obj, f"{column}_id") if column else None

    def keys(self) -> list[str]:
        """Return every key that an entry may have."""
        return [known.name for group in (self.fields, self.extras, self.sections) for known in group]


@dataclass(frozen=True)
class Change:
    """One line of the difference. ``write`` does it, for what is no column of a row."""

    sign: str  # + is new, ~ is changed
    item: Item
    detail: str = ""
    write: Callable[[], None] | None = None

    def __str__(self) -> str:
        return f"{self.sign} {dotted(self.item.path)}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True)
class ChangedAnswers:
    """Says of an entry that customers who are answered today would get another answer by it, or none.

    Or that resources would get credentials of another form than their live ones.
    """

    item: Item
    text: str
    brief: str  # for who may not read whose they are
    counts: Mapping[str, int]  # for the trail

    def __str__(self) -> str:
        return f"{dotted(self.item.path)}: {self.text}"


@dataclass(frozen=True)
class Step:
    """The rows of one section and their extras' changes, to be written after those of the steps before."""

    section: Section
    rows: list[Row]
    extras: list[tuple[Extra, list[Change]]]


@dataclass
class Plan:
    """The rows that a file names and the changes that they need."""

    actor: str
    problems: Problems
    sections: Mapping[str, Section]  # all that there are, by name
    progress: Progress = lambda what, done, total: None
    only_missing: bool = False  # rows that are there stay as they are
    steps: list[Step] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _named: dict[tuple[str, Any, str], Any] = field(default_factory=dict)  # by section, scope and name
    _rows: dict[Any, Any] = field(default_factory=dict)  # by primary key
    _bad: set[Any] = field(default_factory=set)

    # --- What is wrong, and what is worth knowing ------------------------------------------------------------------

    def refuse(self, item: Item, text: str, column: str = "") -> None:
        """Note what is wrong. ``column``: the one that the entry's own name is kept in, where that is."""
        self.problems.add(item.line, item.path, text, column)

    def refuse_unknown(self, entries: dict[str, Item], known: Sequence[str]) -> None:
        for name, item in entries.items():
            if name not in known:
                self.refuse(item, f"there is no such key: write one of {', '.join(known)}")

    def note(self, item: Item, text: str) -> None:
        """Tell what a person may want to know and that is no error."""
        self.notes.append(f"{dotted(item.path)}: {text}")

    def distrust(self, obj: Any) -> None:
        """Note that something is wrong with this row: what refers to it cannot be judged."""
        self._bad.add(obj.pk)

    def is_sound(self, obj: Any) -> bool:
        return obj.pk not in self._bad

    # --- Which rows there are --------------------------------------------------------------------------------------

    def know(self, section: Section, obj: Any, key: str) -> None:
        self._named[section.name, section.scope_of(obj), key] = obj
        self._rows[obj.pk] = obj

    def planned(self, pk: Any) -> Any:
        """Return the row as the file will leave it; None where the file does not name it."""
        return self._rows.get(pk)

    def find(self, section_name: str, scope: Any, key: str) -> Any:
        """Find the row of this name, in the file or else in the database; None where there is none."""
        section = self.sections[section_name]
        place = (section_name, scope.pk if scope is not None else None, key)
        if place not in self._named:
            column = section.scope or section.parent
            where = {section.key: key} | ({column: scope} if column else {})
            saved = scope is None or not scope._state.adding
            self._named[place] = found = section.model._default_manager.filter(**where).first() if saved else None
            if found is not None:
                for known in section.fields:
                    known.adopt(found, self)
        return self._named[place]

    def changed(self, section_name: str, *columns: str) -> dict[Any, Row]:
        """Return the file's sound rows of which one of these columns changes, by primary key."""
        rows = [row for step in self.steps if step.section.name == section_name for row in step.rows]
        return {row.obj.pk: row for row in rows if self.is_sound(row.obj) and set(columns) & set(row.changed)}


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut into parts that fit into one query each."""
    return (values[start : start + SIZE] for start in range(0, len(values), SIZE))

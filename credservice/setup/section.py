"""What a set-up file may name. Each app describes its part in a ``setup`` module and registers it here.

A :class:`Section` is a mapping of the file whose keys name rows of one model. Its fields are columns, its extras what
lives in other tables (secrets, grants), its sections the rows that belong to each of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import models

from credservice.crypto import Place, seal, unseal
from credservice.setup.kinds import Kind, Text
from credservice.setup.problems import BadValue
from credservice.setup.references import read_secret
from credservice.setup.source import Item

if TYPE_CHECKING:
    from credservice.setup.plan import Change, Plan


@dataclass
class Row:
    """One named entry of the file and its database row, which may be new."""

    section: Section
    obj: Any
    item: Item
    parent: Row | None
    is_new: bool
    changed: list[str] = field(default_factory=list)  # columns

    def entry(self, name: str) -> Item | None:
        return (self.item.entries or {}).get(name)


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
        """The value for the column. Raises :class:`BadValue`."""
        return self.kind.read(item)

    def is_same(self, obj: Any, value: Any) -> bool:
        return bool(getattr(obj, self.attribute) == value)

    def assign(self, obj: Any, value: Any) -> None:
        setattr(obj, self.attribute, value)

    def show(self, value: Any) -> Any:
        """The value as the file has it."""
        return self.kind.dump(value)

    def dump(self, obj: Any) -> Any:
        """For an export; :data:`OMIT` where it says nothing that a new row would not have."""
        value = getattr(obj, self.attribute)
        column = obj._meta.get_field(self.attribute)
        return OMIT if not self.required and value == column.get_default() else self.kind.dump(value)


class SecretReference(Kind):
    what = "env:NAME or file:PATH"

    def read(self, item: Item) -> str:
        return read_secret(item)


@dataclass(frozen=True)
class Reference(Field):
    """A row of another section, by its name. ``within`` gives the row that the name is looked up in."""

    kind: Kind = field(default_factory=lambda: Text("a name"))
    section: str = ""
    within: Callable[[Row], Any] = lambda row: None
    fixed: bool = False  # cannot change once it is there

    def read(self, item: Item, row: Row, plan: Plan) -> Any:
        name = self.kind.read(item)
        found = plan.find(self.section, self.within(row), name)
        if found is None:
            raise BadValue(f"there is no {name} under {self.section}, neither in this file nor in the database")
        if self.fixed and not row.is_new and not self.is_same(row.obj, found):
            raise BadValue(f"it is {self.show(getattr(row.obj, self.attribute))} and cannot change")
        return found

    def is_same(self, obj: Any, value: Any) -> bool:
        return bool(getattr(obj, f"{self.attribute}_id") == value.pk)

    def show(self, value: Any) -> Any:
        return getattr(value, get_section(self.section).key) if value is not None else None

    def dump(self, obj: Any) -> Any:
        return self.show(getattr(obj, self.attribute))


@dataclass(frozen=True)
class Secret(Field):
    """A sealed column. It is compared by what it holds, and never shown."""

    kind: Kind = field(default_factory=SecretReference)
    personal: bool = True
    place: Callable[[Any], Place] = field(kw_only=True)

    def is_same(self, obj: Any, value: str) -> bool:
        sealed = getattr(obj, self.attribute)
        return sealed is not None and unseal(bytes(sealed), self.place(obj)) == value.encode()

    def assign(self, obj: Any, value: str) -> None:
        setattr(obj, self.attribute, seal(value.encode(), self.place(obj)))

    def dump(self, obj: Any) -> Any:
        return OMIT if getattr(obj, self.attribute) is None else HIDDEN


class Extra:
    """What a key of an entry says about other tables than the entry's own."""

    name = ""
    what = ""

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        """What would have to change, all rows at once. Bad values go to ``plan.refuse``."""
        raise NotImplementedError

    def finish(self, plan: Plan) -> None:
        """After the last of its changes was written."""

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        """For an export: values by primary key; :class:`Hidden` for what only a reference may stand for."""
        raise NotImplementedError


@dataclass(frozen=True)
class Hidden:
    """Stands in an export for a secret, as a comment that shows how to refer to it."""

    value: Any


OMIT = object()  # an export says nothing of it
HIDDEN = object()  # an export says that it is there


@dataclass
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
    def object_type(self) -> str:
        return self.noun.replace(" ", "_")

    def key_of(self, item: Item) -> str:
        return item.path[-1]

    def belongings(self, parent: Row | None) -> dict[str, Any]:
        """The columns that place a new row: its parent, and its scope where that is another."""
        if parent is None:
            return {}
        columns = {self.parent: parent.obj}
        if self.scope and self.scope != self.parent:
            columns[self.scope] = getattr(parent.obj, self.scope)
        return columns

    def scope_of(self, obj: Any) -> Any:
        """The primary key of the row within which this one's key is unique."""
        column = self.scope or self.parent
        return getattr(obj, f"{column}_id") if column else None

    def named(self, name: str) -> Field | None:
        return next((known for known in self.fields if known.name == name), None)

    def keys(self) -> list[str]:
        """Every key that an entry may have."""
        return [known.name for group in (self.fields, self.extras, self.sections) for known in group]


_sections: dict[str, Section] = {}
_top: list[Section] = []
_checks: list[Callable[[Plan], None]] = []


def register(section: Section, *, check: Callable[[Plan], None] | None = None) -> None:
    """Let set-up files name ``section`` at their top. Called once, from ``AppConfig.ready``.

    ``check`` judges a whole plan, also of a file that does not name the section.
    """
    if section.name not in _sections:
        _top.append(section)
        _index(section)
        if check is not None:
            _checks.append(check)


def plan_checks() -> list[Callable[[Plan], None]]:
    return list(_checks)


def top_sections() -> list[Section]:
    """In the order that their apps are installed in: what others refer to comes first."""
    return list(_top)


def get_section(name: str) -> Section:
    return _sections[name]


def _index(section: Section) -> None:
    _sections[section.name] = section
    for inner in section.sections:
        _index(inner)

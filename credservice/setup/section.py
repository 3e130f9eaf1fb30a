"""What a set-up file may name. Each app describes its part in a ``setup`` module and registers it.

A :class:`Section` is a mapping of the file whose keys name rows of one model. Its fields are columns, its extras what
lives in other tables (secrets, grants), its sections the rows that belong to each of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import models

from credservice.setup.source import Item

if TYPE_CHECKING:
    from credservice.setup.change import Change
    from credservice.setup.columns import Field
    from credservice.setup.plan import Plan


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
    """What a key of an entry says about other tables than the entry's own."""

    name = ""
    what = ""

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        """What would have to change, all rows at once. Bad values go to ``plan.refuse``."""
        raise NotImplementedError

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        """For an export: values by primary key; :class:`Hidden` for what only a reference may stand for."""
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

    def keys(self) -> list[str]:
        """Every key that an entry may have."""
        return [known.name for group in (self.fields, self.extras, self.sections) for known in group]

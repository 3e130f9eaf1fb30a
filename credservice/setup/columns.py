"""The columns of a section's model, as a set-up file names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from credservice.crypto import Place, seal, unseal
from credservice.setup.kinds import Kind, Text
from credservice.setup.problems import BadValue
from credservice.setup.references import read_secret
from credservice.setup.registry import get_section
from credservice.setup.source import Item

if TYPE_CHECKING:
    from credservice.setup.plan import Plan
    from credservice.setup.section import Row

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
            raise BadValue(f"there is no {name} under {self.section}, in this file or in the database")
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

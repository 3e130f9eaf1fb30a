"""Reads and writes columns that refer to other rows, or are sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from credservice.core.secret_references import UnreadableReference, resolve_reference
from credservice.crypto import SealError, seal, unseal
from credservice.crypto.fields import place_of
from credservice.http.outgoing import check_header_secret
from credservice.manifest.document import BadValue, Item
from credservice.manifest.kinds import Kind, Text
from credservice.manifest.registry import get_section
from credservice.manifest.schema import HIDDEN, OMIT, Field, Plan, Row


def read_secret(item: Item) -> str:
    """Return the text that a reference names; a set-up file never holds a secret itself. Raises :class:`BadValue`.

    What an API is sent is the secret: followed as a reference, it would be read from this machine's files.
    """
    if item.text is not None and not item.may_refer:
        return item.text
    try:
        return resolve_reference(item.text)
    except UnreadableReference as error:
        raise BadValue(str(error)) from None


class SecretReference(Kind):
    what = "env:NAME or file:PATH"

    def read(self, item: Item) -> str:
        return read_secret(item)


class HeaderSecretReference(SecretReference):
    """Names a secret that travels in a header."""

    def read(self, item: Item) -> str:
        secret = super().read(item)
        try:
            check_header_secret(secret)
        except ValueError as error:
            raise BadValue(f"the secret {error}") from None
        return secret


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
            raise BadValue(f"there is no {name} under {self.section}")
        if self.fixed and not row.is_new and not self.is_same(row.obj, found):
            raise BadValue(f"it is {self.show(getattr(row.obj, self.attribute))} and cannot change")
        return found

    def is_same(self, obj: Any, value: Any) -> bool:
        return bool(getattr(obj, f"{self.attribute}_id") == value.pk)

    def adopt(self, obj: Any, plan: Plan) -> None:
        planned = plan.planned(getattr(obj, f"{self.attribute}_id"))
        if planned is not None:
            setattr(obj, self.attribute, planned)

    def show(self, value: Any) -> Any:
        return getattr(value, get_section(self.section).key) if value is not None else None

    def dump(self, obj: Any) -> Any:
        return self.show(getattr(obj, self.attribute))


@dataclass(frozen=True)
class Secret(Field):
    """A sealed column. It is compared by what it holds, and never shown.

    One that is sealed for an address goes to no other one: the file that changes the address gives the secret with it.
    """

    kind: Kind = field(default_factory=SecretReference)
    personal: bool = True

    def is_same(self, obj: Any, value: str) -> bool:
        sealed = getattr(obj, self.attribute)
        try:
            return sealed is not None and unseal(bytes(sealed), place_of(obj, self.attribute)) == value.encode()
        except SealError:  # sealed for another address, say: it is to be sealed anew
            return False

    def is_left_behind(self, row: Row) -> bool:
        """Tell if the address changes, and the secret that the row has is not given with it.

        Where there is no address any more, the secret goes with the old one.
        """
        moved = set(row.obj._meta.get_field(self.attribute).bound_to) & set(row.changed)
        if getattr(row.obj, self.attribute) is None or not moved or self.attribute in row.changed:
            return False
        if any(getattr(row.obj, name) for name in moved):
            return True
        setattr(row.obj, self.attribute, None)
        row.changed[self.attribute] = {}
        return False

    def assign(self, obj: Any, value: str) -> None:
        setattr(obj, self.attribute, seal(value.encode(), place_of(obj, self.attribute)))

    def dump(self, obj: Any) -> Any:
        return OMIT if getattr(obj, self.attribute) is None else HIDDEN

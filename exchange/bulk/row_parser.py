"""Parses one row of an import strictly: names as in the vendor API, every mistake with its place, no value repeated.

Written by hand rather than as serializers: this is what an import does most, and a nested serializer takes as long as
all the rest of a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from credservice.core.exceptions import escaped
from credservice.core.names import fault_of_name
from credservice.crypto.envelope import MAX_VALUE_BYTES
from credservice.vendor_api.fields import MAX_OVERLAP
from credservice.vendor_api.problems import FieldError, InvalidFields
from exchange.models import MAX_ID

FIELDS = ("platform", "external_id", "end_user_id", "name", "attributes", "state", "grants")
GRANT_FIELDS = ("integration_id", "installation_id", "values", "overlap_seconds")
STATES = ("active", "suspended")
MISSING = "This is missing."
MAX_MISTAKES = 20  # that are said of one row: it has room for thousands, and a request for hundreds of such rows
NUL = "This holds a NUL character."


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant as it is to be. ``values`` is None for a policy that makes them itself."""

    integration_id: str
    installation_id: str | None
    values: Mapping[str, str] | None = field(repr=False)
    overlap_seconds: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """An end user as it is to be, with its grants. What is None stays as it is; no platform is the default one."""

    external_id: str
    platform: str | None
    end_user_id: str | None
    name: str | None
    attributes: Mapping[str, Any] | None
    state: str | None
    grants: tuple[GrantRow, ...]

    @property
    def names(self) -> set[tuple[str, str]]:
        """Name the end user by your id and by the platform's: one of them may be another's."""
        names = {("external_id", self.external_id)}
        return names if self.end_user_id is None else names | {("end_user_id", self.end_user_id)}


def parse_row(data: Mapping[str, Any]) -> Row:
    """Read the row in a JSON object. Raises :class:`InvalidFields` with the first ``MAX_MISTAKES`` of its mistakes."""
    fields = _Fields(data, "", FIELDS, [])
    row = Row(
        external_id=fields.text("external_id", MAX_ID, needed=True, kept=True) or "",
        platform=fields.text("platform", 64),
        end_user_id=fields.text("end_user_id", MAX_ID, kept=True),
        name=fields.text("name", 255, blank=True, kept=True),
        attributes=fields.facts("attributes"),
        state=fields.choice("state", STATES),
        grants=_grants(fields),
    )
    if fields.errors:
        raise InvalidFields(fields.errors)
    return row


def _grants(fields: "_Fields") -> tuple[GrantRow, ...]:
    given = fields.data.get("grants", [])
    if not isinstance(given, list):
        fields.refuse("grants", "Send a list of grants.")
        return ()
    found = tuple(_grant(fields, index, each) for index, each in enumerate(given))
    seen = set()
    for index, each in enumerate(found):
        if each is not None and (each.integration_id, each.installation_id) in seen:
            fields.refuse(f"grants/{index}", "The row has a grant of this integration already.")
        elif each is not None:
            seen.add((each.integration_id, each.installation_id))
    return tuple(each for each in found if each is not None)


def _grant(outer: "_Fields", index: int, data: Any) -> GrantRow | None:
    if not isinstance(data, dict):
        outer.refuse(f"grants/{index}", "Send a JSON object.")
        return None
    fields = _Fields(data, f"/grants/{index}", GRANT_FIELDS, outer.errors)
    return GrantRow(
        integration_id=fields.text("integration_id", MAX_ID, needed=True) or "",
        installation_id=fields.text("installation_id", MAX_ID),
        values=fields.values("values"),
        overlap_seconds=fields.whole("overlap_seconds", MAX_OVERLAP),
    )


class _Fields:
    """Reads the fields of one object, and collects the row's mistakes in ``errors``."""

    def __init__(self, data: Mapping[str, Any], pointer: str, known: tuple[str, ...], errors: list[FieldError]) -> None:
        self.data, self._pointer, self.errors = data, pointer, errors
        for name in data:
            if name not in known:
                self.refuse(escaped(name), f"There is no such field. There are: {', '.join(known)}.")

    def refuse(self, place: str, message: str) -> None:
        """Keep a mistake. Raises :class:`InvalidFields` at the last that is said: the rest of the row is not read."""
        self.errors.append(FieldError(f"{self._pointer}/{place}", message))
        if len(self.errors) == MAX_MISTAKES:
            raise InvalidFields(self.errors)

    def text(
        self, name: str, most: int, *, needed: bool = False, blank: bool = False, kept: bool = False
    ) -> str | None:
        """Read a text. One that is ``kept`` is an id or a name, not one that is looked up alone."""
        if name not in self.data:
            if needed:
                self.refuse(name, MISSING)
            return None
        wrong = _wrong_text(self.data[name], most, blank)
        if wrong is None and kept and (fault := fault_of_name(self.data[name])):
            wrong = f"This {fault}."
        if wrong:
            self.refuse(name, wrong)
            return None
        return str(self.data[name])

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        if name not in self.data:
            return None
        if self.data[name] not in choices:
            self.refuse(name, f"Send one of {', '.join(choices)}.")
        return str(self.data[name])

    def whole(self, name: str, most: int) -> int | None:
        value = self.data.get(name)
        if name not in self.data:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            self.refuse(name, f"Send a whole number from 0 to {most}.")
            return None
        return value

    def facts(self, name: str) -> Mapping[str, Any] | None:
        facts = self.data.get(name)
        if name not in self.data:
            return None
        if not isinstance(facts, dict):
            self.refuse(name, "Send a JSON object.")
            return None
        for key, fact in facts.items():
            if isinstance(fact, dict | list):
                self.refuse(f"{name}/{escaped(key)}", "Send a text, a number, true, false or null.")
            elif "\x00" in f"{key}{fact}":  # of a table; JSON with one is refused before, and JSONB holds none
                self.refuse(f"{name}/{escaped(key)}", NUL)
        return facts

    def values(self, name: str) -> Mapping[str, str] | None:
        values = self.data.get(name)
        if name not in self.data:
            return None
        if not isinstance(values, dict) or not values:
            self.refuse(name, 'Send each value by its name, such as {"apiKey": "..."}.')
            return None
        for key, value in values.items():
            wrong = _wrong_text(value, MAX_VALUE_BYTES, blank=False)
            if wrong:
                self.refuse(f"{name}/{escaped(key)}", wrong)
        return values


def _wrong_text(value: Any, most: int, blank: bool) -> str | None:
    if not isinstance(value, str):
        return "Send a text."
    if not value and not blank:
        return "Send a text that is not empty."
    if len(value) > most:
        return f"Send at most {most} characters."
    return NUL if "\x00" in value else None

"""Edits attributes as a table of names and values: texts as they are, all others as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from django.core.exceptions import ValidationError

from credservice.adminkit.row_tables import Faults, RowsField, RowTable, twice
from credservice.adminkit.widgets import JSONField
from exchange.shapes import check_attributes

_TEXT, _JSON = "text", "json"
_STRICT = JSONField()


class _Row(NamedTuple):
    name: str = ""
    kind: str = _TEXT
    value: str = ""

    def read(self) -> Any:
        """Give the value. Raises ValidationError or ValueError, with a sentence."""
        _STRICT.to_python(json.dumps(self.name))
        found = _STRICT.to_python(self.value if self.kind == _JSON else json.dumps(self.value))
        check_attributes({self.name: found})
        return found


class AttributeTable(RowTable):
    row = _Row
    titles = ("Name", "Kind", "Value")
    choices: ClassVar = {_TEXT: "Text", _JSON: "Number, true, false or null"}
    hints: ClassVar = {_TEXT: "such as eu-central", _JSON: "such as 5 or true"}
    item = "an attribute"

    def faults(self, rows: Sequence[_Row]) -> Faults:
        found = [(n, *_fault(row)) for n, row in enumerate(rows)]
        return twice([row.name for row in rows], "name", "attributes") | {
            (n, cell): sentence for n, cell, sentence in found if cell
        }


class AttributesField(RowsField):
    widget = AttributeTable

    def rows_of(self, value: Mapping[str, Any]) -> list[_Row]:
        return [_row(*item) for item in sorted(value.items())]

    def read(self, rows: Sequence[_Row]) -> dict[str, Any]:
        return {row.name: row.read() for row in rows}

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return _text(initial or {}) != _text(self.to_python(data))  # True is no 1
        except ValidationError:
            return True


def _row(name: str, value: Any) -> _Row:
    """Show a value. An input would lose the lines and the outer blanks of a text: as JSON they stay."""
    plain = isinstance(value, str) and value == " ".join(value.splitlines()).strip() != ""
    return _Row(name, _TEXT, value) if plain else _Row(name, _JSON, json.dumps(value, ensure_ascii=False))


def _fault(row: _Row) -> tuple[str, str]:
    """Find the cell that is wrong, and say what is; empty where none is."""
    if not row.name:
        return "name", "Write the name of each attribute."
    if not row.value:
        return "value", f"{row.name}: write its value, or remove the row."
    if row.kind not in AttributeTable.choices:
        return "kind", f"{row.name}: choose its kind."
    try:
        row.read()
    except (ValidationError, ValueError) as error:
        messages = getattr(error, "messages", [str(error)])
        told = "write a number, true, false or null; or choose Text." if row.kind == _JSON else " ".join(messages)
        return "value", f"{row.name}: {told}"
    return "", ""


def _text(attributes: Mapping[str, Any]) -> str:
    return json.dumps(attributes, sort_keys=True)

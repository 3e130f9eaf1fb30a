"""Edits a response shape as a table of fields, for who need not know its notation (``exchange.shapes``)."""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from credservice.adminkit.row_tables import Faults, RowsField, RowTable, twice
from credservice.console.pasted import is_like_a_key
from exchange.shapes import (
    CREDENTIAL,
    END_USER,
    TEXT,
    check_shape,
    fault_of_field_name,
    names_of,
    read_source,
    shown,
    write_source,
)

KINDS = {CREDENTIAL: "Customer's secret", TEXT: "Fixed text", END_USER: "Customer's attribute"}
# One name, as a program has it: letters, digits, and what joins them.
_NAME = re.compile(r"[^\W\d][\w.-]*")
PREVIEW = "What the platform will get"  # the title of what exchange/preview.js shows


class Row(NamedTuple):
    """One line of the table. ``text`` is the text, or the secret's or attribute's name where the field has another."""

    field: str = ""
    kind: str = CREDENTIAL
    text: str = ""

    @property
    def source(self) -> str:
        return write_source(self.kind, self.text or self.field)


class _Fault(NamedTuple):
    """Tells what is wrong with a row, and in which cell it is mended."""

    cell: str
    sentence: str


class ShapeTable(RowTable):
    row = Row
    titles = ("Name", "Holds", "Text, or other name")
    choices = KINDS
    hints: ClassVar = {CREDENTIAL: "only if named otherwise", TEXT: "such as eu", END_USER: "only if named otherwise"}
    preview = PREVIEW

    class Media:
        js = (Script("exchange/preview.js", defer=True),)

    def faults(self, rows: Sequence[Row]) -> Faults:
        found = ((n, _fault(row)) for n, row in enumerate(rows))
        return twice([row.field for row in rows], "field", "fields") | {
            (n, fault.cell): fault.sentence for n, fault in found if fault
        }


class UnseenShapeTable(ShapeTable):
    """Asks for no preview: of what is only to be added, there is nothing to show yet."""

    preview = ""


class ShapeField(RowsField):
    widget = ShapeTable

    def rows_of(self, value: Mapping[str, str]) -> list[Row]:
        return rows_of(value)

    def read(self, rows: Sequence[Row]) -> dict[str, str]:
        return {row.field: row.source for row in rows}

    def validate(self, value: dict[str, str]) -> None:
        super().validate(value)
        try:
            check_shape(value, names_of(value, CREDENTIAL))
        except ValueError as error:
            raise ValidationError(str(error)) from None


def rows_of(shape: Mapping[str, str]) -> list[Row]:
    sources = {field: read_source(source) for field, source in shape.items()}
    return [
        Row(field, kind, "" if (kind, text) == (CREDENTIAL, field) else text) for field, (kind, text) in sources.items()
    ]


def shape_shown(shape: Mapping[str, str]) -> SafeString:
    """Show each field with what it holds."""
    rows = ((field, _told(*read_source(source))) for field, source in shape.items())
    return format_html(
        '<dl class="console-facts">{}</dl>',
        format_html_join("", "<div><dt><code>{}</code></dt><dd>{}</dd></div>", rows),
    )


def _told(kind: str, name: str) -> SafeString:
    return format_html("{}: <code>{}</code>", KINDS.get(kind, "Installation's attribute"), name)


def fits_the_table(shape: Mapping[str, str]) -> bool:
    """Tell whether the table can show the shape: it offers no attribute of an installation."""
    return not any(_fault(row) for row in rows_of(shape))


def _fault(row: Row) -> _Fault | None:
    """Find what is wrong with a row; None where nothing is."""
    if fault := fault_of_plain_name(row.field):
        hint = " Give each field a row of its own." if re.search(r"[,;\s]", row.field) else ""
        return _Fault("field", f"{fault}{hint}")
    if row.kind not in KINDS:
        return _Fault("kind", f"{row.field}: choose what it holds.")
    if row.kind == TEXT:
        return None if row.text else _Fault("text", f"{row.field}: write its text.")
    if row.kind == CREDENTIAL and is_like_a_key(row.text):
        return _Fault(
            "text", f"{row.field}: this looks like a secret itself. Leave it out here; it is asked for later."
        )
    fault = fault_of_plain_name(row.text) if row.text else None
    return _Fault("text", f"{row.field}: {fault}") if fault else None


def fault_of_plain_name(name: str) -> str | None:
    """Return a sentence that tells why a table takes no such name; None where it does. A slip is likelier there than a
    name that has blanks or commas: the JSON takes those."""
    if fault := fault_of_field_name(name):
        return fault
    if _NAME.fullmatch(name):
        return None
    return f"“{shown(name)}” is not a name: begin with a letter or _, and use letters, digits, points, - and _."

"""Edits a response shape as a table of fields, for who need not know its notation (``exchange.shapes``)."""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from exchange.shapes import CREDENTIAL, END_USER, TEXT, check_shape, names_of, read_source, write_source

KINDS = {CREDENTIAL: "Customer's secret", TEXT: "Fixed text", END_USER: "Customer's attribute"}
PREVIEW = "What the platform will get"  # the title of what exchange/preview.js shows
# One name, as a program has it: letters, digits, and what joins them.
_NAME = re.compile(r"[^\W\d][\w.-]{0,63}")


class Row(NamedTuple):
    """One line of the table. ``text`` is the text, the attribute, or a secret's name where the field has another."""

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


class ShapeTable(forms.Widget):
    """``preview`` is the title of the answer that is shown beside it, by a page that answers previews."""

    preview = PREVIEW
    template_name = "exchange/shape_table.html"

    class Media:
        js = (Script("exchange/shape_table.js", defer=True), Script("exchange/preview.js", defer=True))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Row]:
        columns = [data.getlist(f"{name}-{column}") for column in Row._fields]
        rows = [Row(*(cell.strip() for cell in cells)) for cells in zip(*columns, strict=False)]
        return [row for row in rows if row.field or row.text]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        rows = value or [Row()]
        # Django says so of the whole field, once it was sent: the cells at fault are marked, if it is theirs.
        wrong = _faults(rows) if (attrs or {}).get("aria-invalid") else {}
        return super().get_context(name, value, attrs) | {
            "rows": [self._cells(name, row, {cell for at, cell in wrong if at == n}) for n, row in enumerate(rows)],
            "preview": self.preview,
        }

    def id_for_label(self, id_: str) -> str:
        return ""  # each cell has a label of its own

    def _cells(self, name: str, row: Row, wrong: Set[str]) -> list[tuple[str, str]]:
        kinds = UnfoldAdminSelectWidget(choices=list(KINDS.items()))
        text = UnfoldAdminTextInputWidget()
        typed = {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
        cells: tuple[tuple[str, str, Any, dict[str, str]], ...] = (
            ("Name", "field", text, typed),
            ("Holds", "kind", kinds, {}),
            ("Text or attribute", "text", text, typed),
        )
        marks = {cell: {"aria-invalid": "true"} for cell in wrong}
        return [
            (
                title,
                widget.render(f"{name}-{cell}", getattr(row, cell), more | {"aria-label": title} | marks.get(cell, {})),
            )
            for title, cell, widget, more in cells
        ]


class UnseenShapeTable(ShapeTable):
    """Asks for no preview: of what is only to be added, there is nothing to show yet."""

    preview = ""


class ShapeField(forms.Field):
    """Takes the rows of the table, and gives the shape."""

    widget = ShapeTable

    def prepare_value(self, value: Any) -> Any:
        return rows_of(value) if isinstance(value, Mapping) else value

    def to_python(self, value: Any) -> dict[str, str]:
        faults = _faults(value)
        if faults:
            raise ValidationError(list(dict.fromkeys(faults.values())))
        return {row.field: row.source for row in value}

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


def _faults(rows: Sequence[Row]) -> dict[tuple[int, str], str]:
    """Say what is wrong, by the number of the row and its cell."""
    names = [row.field for row in rows]
    twice = {
        (n, "field"): f"{name}: there are two fields of this name."
        for n, name in enumerate(names)
        if names.count(name) > 1
    }
    found = ((n, _fault(row)) for n, row in enumerate(rows))
    return twice | {(n, fault.cell): fault.sentence for n, fault in found if fault}


def _fault(row: Row) -> _Fault | None:
    """Find what is wrong with a row; None where nothing is."""
    if not row.field:
        return _Fault("field", "Write the name of each field.")
    if not _NAME.fullmatch(row.field):
        hint = " Give each field a row of its own." if re.search(r"[,;\s]", row.field) else ""
        return _Fault("field", f"{_no_name(row.field)}{hint}")
    if row.kind not in KINDS:
        return _Fault("kind", f"{row.field}: choose what it holds.")
    if row.kind == TEXT:
        return None if row.text else _Fault("text", f"{row.field}: write its text.")
    if row.kind == END_USER and not row.text:
        sentence = f"{row.field}: write the attribute's name: external_id is your own id of the customer."
        return _Fault("text", sentence)
    return None if not row.text or _NAME.fullmatch(row.text) else _Fault("text", f"{row.field}: {_no_name(row.text)}")


def _no_name(text: str) -> str:
    return f"“{text}” is not a name: begin with a letter or _, and use letters, digits, points, - and _."

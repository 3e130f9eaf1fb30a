"""Takes what has several rows of the same cells as a table of inputs, whose rows can be added and removed."""

import json
from collections.abc import Mapping, Sequence, Set
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

Faults = dict[tuple[int, str], str]  # what is wrong, by the number of the row and the name of the cell

_TYPED = {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}


class RowTable(forms.Widget):
    """Shows rows of ``row``, a named tuple of texts with defaults; ``titles`` has a title for each cell.

    ``choices`` has those of the cell ``kind``; ``hints`` say, by what is chosen there, what the last cell is for. Each
    row is one ``item``. ``preview`` is the title of the answer shown below, on a page that answers previews.
    """

    template_name = "console/row_table.html"
    row: ClassVar[Any]
    titles: ClassVar[Sequence[str]]
    choices: ClassVar[Mapping[str, str]]
    hints: ClassVar[Mapping[str, str]]
    item = "a field"
    preview = ""

    class Media:
        js = (Script("console/row_table.js", defer=True),)

    def faults(self, rows: Sequence[Any]) -> Faults:
        raise NotImplementedError

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Any]:
        columns = [data.getlist(f"{name}-{cell}") for cell in self.row._fields]
        rows = [self.row(*(cell.strip() for cell in cells)) for cells in zip(*columns, strict=False)]
        return [row for row in rows if any(row._replace(kind=""))]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-kind" not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        rows = value or [self.row()]
        # Django says so of the whole field, once it was sent: the cells at fault are marked, if it is theirs.
        wrong = self.faults(rows) if (attrs or {}).get("aria-invalid") else {}
        return super().get_context(name, value, attrs) | {
            "titles": self.titles,
            "rows": [self._inputs(name, row, {cell for at, cell in wrong if at == n}) for n, row in enumerate(rows)],
            "hints": json.dumps(self.hints),
            "item": self.item,
            "preview": self.preview,
        }

    def id_for_label(self, id_: str) -> str:
        return ""  # each cell has a label of its own

    def _inputs(self, name: str, row: Any, wrong: Set[str]) -> list[tuple[str, str]]:
        return [
            (title, self._input(f"{name}-{cell}", text, {"aria-label": title} | _marks(cell in wrong)))
            for title, (cell, text) in zip(self.titles, row._asdict().items(), strict=True)
        ]

    def _input(self, name: str, text: str, attrs: dict[str, str]) -> str:
        if name.endswith("-kind"):
            return str(UnfoldAdminSelectWidget(choices=list(self.choices.items())).render(name, text, attrs))
        return str(UnfoldAdminTextInputWidget().render(name, text, attrs | _TYPED))


class RowsField(forms.Field):
    """Takes the rows of a table, and gives the mapping that they are."""

    widget: Any = RowTable

    def rows_of(self, value: Mapping[str, Any]) -> list[Any]:
        raise NotImplementedError

    def read(self, rows: Sequence[Any]) -> dict[str, Any]:
        raise NotImplementedError

    def prepare_value(self, value: Any) -> Any:
        return self.rows_of(value) if isinstance(value, Mapping) else value

    def to_python(self, value: Any) -> dict[str, Any]:
        faults = self.widget.faults(value)
        if faults:
            raise ValidationError(list(dict.fromkeys(faults.values())))
        return self.read(value)


def twice(names: Sequence[str], cell: str, items: str) -> Faults:
    """Find the names that stand more than once in a column."""
    return {
        (n, cell): f"{name}: there are two {items} of this name."
        for n, name in enumerate(names)
        if names.count(name) > 1
    }


def _marks(is_wrong: bool) -> dict[str, str]:
    return {"aria-invalid": "true"} if is_wrong else {}

"""Reads CSV (RFC 4180) as rows of an import: a heading with names, then an end user, and at most one grant, a line.

A cell that is empty says nothing: what it would be about stays as it is. So a table cannot empty a name. Attributes
are written whole all the same: beside one that is filled, an empty one takes its attribute away.
"""

import csv
from collections.abc import Iterator, Sequence
from typing import Any

from credservice.core.exceptions import Invalid
from credservice.credentials.rotation_impact import counted
from exchange.bulk.csv_heading import OF_GRANT, PLAIN, SAVE_AS, check_encoding, check_heading
from exchange.bulk.ndjson_reader import MAX_LINE, TOO_LONG, Entry, Source, entry, read_lines
from exchange.bulk.row_parser import Row, parse_row

NO_UTF8 = f"The line is not UTF-8. Correct the file: {SAVE_AS}"
LOST = "Nothing after it was read: where it ends cannot be told. Correct it, and import the file again."


def read_csv(source: Source, *, from_line: int = 1) -> Iterator[Entry]:
    """Read the rows. Raises :class:`Invalid` where the heading is none.

    Ends with a row of which nobody can tell where it ends: what somebody wrote into a cell is never read as a row.
    """
    lines = _Lines(source)
    reader = csv.reader(lines, strict=True)
    names = _heading(reader, lines)
    while True:
        start, before = lines.number + 1, lines.taken
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, Invalid) as error:
            lost = lines.is_lost(start)
            found = Entry(start, lines.taken - before, error=_refusal(error, lost))
        else:
            lost = False
            if not any(cells):  # as spreadsheets save a row that is empty
                continue
            found = entry(start, lines.taken - before, lambda cells=cells: _row(names, cells, lines))  # type: ignore[misc]
        if start >= from_line:
            yield found
        if lost:
            return


def _refusal(error: Exception, lost: bool) -> Invalid:
    sentence = error.message if isinstance(error, Invalid) else "The line is no CSV (RFC 4180)."
    return Invalid(f"{sentence} {LOST}" if lost else sentence)


class _Lines:
    """Decodes lines. A class, since a generator ends at the first line that it cannot read."""

    def __init__(self, source: Source) -> None:
        self._lines = read_lines(source)
        self.number = self.taken = 0
        self.text = ""  # the last line's
        self.begin()

    def begin(self) -> None:
        """Begin a row with the next line."""
        self._size = self._quotes = 0
        self._too_long, self.is_utf8 = False, True

    def is_lost(self, start: int) -> bool:
        """Tell of a row that began at ``start`` and cannot be read: it may go on behind the last line."""
        return self._too_long or self.number > start or self._quotes % 2 == 1

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        size, line = next(self._lines)
        self.number, self.taken, self._size = self.number + 1, self.taken + size, self._size + size
        if line is None or self._size > MAX_LINE:
            self._too_long = True
            raise Invalid(TOO_LONG)
        # Excel begins its UTF-8 with a byte order mark.
        form = "utf-8-sig" if self.number == 1 else "utf-8"
        try:
            text = line.decode(form)
        except UnicodeDecodeError:
            # Refused when all of its row is read: its quotes say where that ends.
            self.is_utf8, text = False, line.decode(form, errors="replace")
        self._quotes += text.count('"')
        self.text = text
        return text


def _heading(reader: Iterator[list[str]], lines: _Lines) -> Sequence[str]:
    try:
        names = next(reader, [])
    except csv.Error:
        check_encoding(lines.text, is_utf8=lines.is_utf8)
        raise Invalid("The heading is no CSV (RFC 4180).") from None
    except Invalid as error:
        raise Invalid(f"{error.message} Do the file's lines end with CR alone? Correct it: {SAVE_AS}") from None
    check_encoding(lines.text, is_utf8=lines.is_utf8)
    if not names:
        raise Invalid("The first line is empty: write the heading there." if lines.taken else "The file is empty.")
    check_heading(names)
    return names


def _row(names: Sequence[str], cells: Sequence[str], lines: _Lines) -> Row:
    if not lines.is_utf8:
        raise Invalid(NO_UTF8)
    if len(cells) != len(names):
        raise Invalid(f"The line has {counted(len(cells), 'cells')}, the heading {len(names)}.")
    given = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    data: dict[str, Any] = {name: given[name] for name in PLAIN if name in given}
    if attributes := _under("attribute.", given):
        data["attributes"] = attributes
    grant: dict[str, Any] = {name: given[name] for name in OF_GRANT if name in given}
    seconds = grant.get("overlap_seconds", "")
    if seconds.isdecimal() and len(seconds) <= 10:
        grant["overlap_seconds"] = int(seconds)
    if values := _under("value.", given):
        grant["values"] = values
    if grant:
        data["grants"] = [grant]
    return parse_row(data)


def _under(prefix: str, given: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): cell for name, cell in given.items() if name.startswith(prefix)}

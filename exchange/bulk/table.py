"""CSV (RFC 4180) as rows of an import: a heading with names, then an end user, and at most one grant, a line.

A cell that is empty says nothing: what it would be about stays as it is. So a table cannot empty a name.
"""

import csv
from collections.abc import Iterator, Sequence
from typing import Any

from credservice.exceptions import Invalid
from exchange.bulk.lines import TOO_LONG, Entry, Source, entry, read_lines
from exchange.bulk.rows import Row, parse_row

PLAIN = ("platform", "external_id", "end_user_id", "name", "state")
OF_GRANT = ("integration_id", "installation_id", "overlap_seconds")
PREFIXES = ("attribute.", "value.")


def read_csv(source: Source, *, from_line: int = 1) -> Iterator[Entry]:
    """Raises :class:`Invalid` where the heading is none."""
    lines = _Lines(source)
    reader = csv.reader(lines, strict=True)
    names = _heading(reader)
    while True:
        start, taken = lines.number + 1, lines.taken
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, Invalid) as error:
            refusal = error if isinstance(error, Invalid) else Invalid("The line is no CSV (RFC 4180).")
            found = Entry(start, lines.taken - taken, error=refusal)
        else:
            if not cells:
                continue
            found = entry(start, lines.taken - taken, lambda cells=cells: _row(names, cells))  # type: ignore[misc]
        if start >= from_line:
            yield found


class _Lines:
    """Lines as text. A class, since a generator ends at the first line that it cannot read."""

    def __init__(self, source: Source) -> None:
        self._lines = read_lines(source)
        self.number = self.taken = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        size, line = next(self._lines)
        self.number, self.taken = self.number + 1, self.taken + size
        if line is None:
            raise Invalid(TOO_LONG)
        try:
            # Excel begins its UTF-8 with a byte order mark.
            return line.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise Invalid("The line is not UTF-8.") from None


def _heading(reader: Iterator[list[str]]) -> Sequence[str]:
    try:
        names = next(reader, [])
    except csv.Error:
        raise Invalid("The heading is no CSV (RFC 4180).") from None
    known = f"There are: {', '.join((*PLAIN, *OF_GRANT))}, attribute.NAME and value.NAME."
    for number, name in enumerate(names, start=1):
        if name not in (*PLAIN, *OF_GRANT) and not (name.startswith(PREFIXES) and name not in PREFIXES):
            # Not quoted: in a file without a heading it is somebody's value.
            raise Invalid(f"Column {number} of the heading has a name that is none. {known}")
    if len(set(names)) < len(names):
        raise Invalid("The heading has the same name twice.")
    if "external_id" not in names:
        raise Invalid(f"The heading lacks external_id. {known}")
    return names


def _row(names: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(names):
        raise Invalid(f"The line has {len(cells)} cells, the heading {len(names)}.")
    given = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    data: dict[str, Any] = {name: given[name] for name in PLAIN if name in given}
    if attributes := _under("attribute.", given):
        data["attributes"] = attributes
    grant: dict[str, Any] = {name: given[name] for name in OF_GRANT if name in given}
    if grant.get("overlap_seconds", "").isdecimal():
        grant["overlap_seconds"] = int(grant["overlap_seconds"][:10])
    if values := _under("value.", given):
        grant["values"] = values
    if grant:
        data["grants"] = [grant]
    return parse_row(data)


def _under(prefix: str, given: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): cell for name, cell in given.items() if name.startswith(prefix)}

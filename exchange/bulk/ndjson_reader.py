"""Reads the rows of a file or a request one after the other, in constant memory: each with its line, sound or not."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from credservice.core.exceptions import Invalid
from credservice.http.strict_json import parse_object
from exchange.bulk.row_parser import Row, parse_row

MAX_LINE = 64 * 1024  # bytes, as a body of the vendor API
TOO_LONG = f"The line is longer than {MAX_LINE // 1024} KiB."
MAX_EMPTY = 10_000  # lines: a file has a few, and millions of them are work for nothing


class Source(Protocol):
    """A file opened for bytes, or a request."""

    def readline(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A row, or why it is none. ``line`` counts from 1; ``size`` is the bytes read for it."""

    line: int
    size: int
    row: Row | None = None
    error: Invalid | None = None


def read_lines(source: Source) -> Iterator[tuple[int, bytes | None]]:
    """Read each line's length and content; None for one that is too long, which is read past in pieces."""
    while line := source.readline(MAX_LINE + 1):
        size, whole = len(line), line
        while not line.endswith(b"\n") and (line := source.readline(MAX_LINE)):
            size += len(line)
        yield size, whole if size <= MAX_LINE else None


def read_ndjson(source: Source, *, from_line: int = 1) -> Iterator[Entry]:
    """Read a JSON object a line; empty lines count, and are nothing else. Lines before ``from_line`` are skipped.

    A byte order mark before the first one is none of it, as in a table. Raises :class:`Invalid` past ``MAX_EMPTY``.
    """
    empty = 0
    for number, (size, text) in enumerate(read_lines(source), start=1):
        if number == 1 and text is not None:
            text = text.removeprefix(BOM_UTF8)
        if text is not None and not text.strip():
            empty += 1
            if empty > MAX_EMPTY:
                raise Invalid(f"At line {number}, more than {MAX_EMPTY:,} lines are empty. Take them out.")
        elif number >= from_line:
            yield entry(number, size, lambda text=text: _read_object(text))  # type: ignore[misc] # of this turn


def entry(line: int, size: int, read: Callable[[], Row]) -> Entry:
    """Keep what ``read`` makes of a line."""
    try:
        return Entry(line, size, row=read())
    except Invalid as error:
        return Entry(line, size, error=error)


def _read_object(text: bytes | None) -> Row:
    if text is None:
        raise Invalid(TOO_LONG)
    try:
        found = parse_object(text.rstrip(b"\r\n"))
    except ValueError as error:
        # Its sentences are about a body of many lines; they hold nothing of what it is.
        raise Invalid(str(error).replace("The body", "The line").replace("at line 1, ", "at ")) from None
    return parse_row(found)

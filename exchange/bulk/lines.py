"""The rows of a file or a request, one after the other, in constant memory: each with its line, sound or not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from credservice.exceptions import Invalid
from credservice.http.strict_json import parse_object
from exchange.bulk.rows import Row, parse_row

MAX_LINE = 64 * 1024  # bytes, as a body of the vendor API
TOO_LONG = f"The line is longer than {MAX_LINE // 1024} KiB."


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
    """Each line's length and content; None for one that is too long, which is read past in pieces."""
    while line := source.readline(MAX_LINE + 1):
        size, whole = len(line), line
        while not line.endswith(b"\n") and (line := source.readline(MAX_LINE)):
            size += len(line)
        yield size, whole if size <= MAX_LINE else None


def read_ndjson(source: Source, *, from_line: int = 1) -> Iterator[Entry]:
    """A JSON object a line; empty lines count, and are nothing else. Lines before ``from_line`` are passed over."""
    for number, (size, text) in enumerate(read_lines(source), start=1):
        if number >= from_line and (text is None or text.strip()):
            yield entry(number, size, lambda text=text: _read_object(text))  # type: ignore[misc] # of this turn


def entry(line: int, size: int, read: Callable[[], Row]) -> Entry:
    """What ``read`` makes of a line."""
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

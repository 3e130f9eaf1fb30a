"""Lists refused rows for the command: a line in a file, or the first few on standard error."""

import json
import os
from contextlib import ExitStack
from typing import Any, BinaryIO, TextIO

from django.core.management.base import CommandError

from credservice.core.names import printable
from exchange.bulk.csv_heading import as_columns
from exchange.bulk.job import Problem
from exchange.bulk.ndjson_reader import Entry
from exchange.bulk.progress import rows_of

SHOWN = 20  # that are listed where there is no file for them


class Refusals:
    """Lists refused rows. ``file`` takes them all, with each row's ``external_id`` where the row could be read;
    ``table``: places are columns rather than JSON pointers."""

    def __init__(self, out: Any, file: TextIO | None, *, table: bool) -> None:
        self._out, self._file, self._table = out, file, table
        self.count = self.last_line = 0

    def __call__(self, entry: Entry, problem: Problem) -> None:
        self.count, self.last_line = self.count + 1, entry.line
        if self._table:
            problem = as_columns(problem)
        if self._file is not None:
            named = {"external_id": entry.row.external_id} if entry.row else {}
            found = {"line": entry.line} | named | {"problem": problem}
            self._file.write(json.dumps(found, ensure_ascii=False) + "\n")
        elif self.count <= SHOWN:
            self._out.write(printable(f"line {entry.line}: {problem['detail']}{_places(problem)}"))
        elif self.count == SHOWN + 1:
            self._out.write("... and more: --errors FILE keeps them all.")

    def __str__(self) -> str:
        """Say how many, and where they are: ``2 rows were refused: they are in FILE.``"""
        were, they = ("was", "it is") if self.count == 1 else ("were", "they are")
        where = f": {they} in {self._file.name}" if self._file is not None else ""
        return f"{rows_of(self.count)} {were} refused{where}."


def open_errors(name: str | None, source: BinaryIO, stack: ExitStack, *, more: bool) -> TextIO | None:
    """Open the file for refusals; with ``more`` those that it has are kept. Raises CommandError."""
    if name is None:
        return None
    try:
        if os.path.exists(name) and os.path.samestat(os.stat(name), os.fstat(source.fileno())):
            raise CommandError(f"{name} is what is read: name another file for --errors.")
        return stack.enter_context(open(name, "a" if more else "w", encoding="utf-8", opener=_private))
    except OSError as error:
        raise CommandError(f"{name} cannot be written: {error.strerror}.") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _places(problem: Problem) -> str:
    places = [each.get("column") or each["pointer"] for each in problem.get("errors", ())]
    shown = ", ".join(place for place in places if place)
    return f" ({shown})" if shown else ""

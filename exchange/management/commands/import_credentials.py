"""Imports end users with grants from NDJSON or CSV: ``manage.py import_credentials FILE``. See docs/import.md."""

import gc
import os
import sys
from argparse import ArgumentTypeError
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError

from credservice.audit.names import command_actor
from credservice.core.exceptions import Invalid
from exchange.bulk.csv_reader import read_csv
from exchange.bulk.engine import Import, Summary
from exchange.bulk.ndjson_reader import Entry, read_ndjson
from exchange.bulk.process_pool import LaneEnded, usual
from exchange.bulk.progress import Progress, rows_of
from exchange.bulk.refusals import Refusals, open_errors

READERS = {"ndjson": read_ndjson, "csv": read_csv}
NDJSON_NAMES = (".ndjson", ".jsonl", ".json")
MOST_JOBS = 64
MOST_LINES = 10**12


class Command(BaseCommand):
    help = (
        "Import end users, grants and credentials from a file with one JSON object or one line of CSV for each. A row "
        "that is refused stops no other. May be repeated: what is there already stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="- reads standard input")
        parser.add_argument("--format", choices=sorted(READERS), help="default: by the name, and otherwise ndjson")
        parser.add_argument("--platform", metavar="NAME", help="of rows that name none; default: the default platform")
        parser.add_argument("--dry-run", action="store_true", help="look at everything, write nothing")
        parser.add_argument(
            "--from-line", type=partial(_number, most=MOST_LINES), default=1, metavar="N", help="go on there"
        )
        parser.add_argument("--stop-on-error", action="store_true", help="stop before the batch of the first bad row")
        parser.add_argument(
            "--accept-changed-answers",
            action="store_true",
            help="also drop attributes without which installations that are answered today get no answer",
        )
        parser.add_argument(
            "--jobs",
            type=partial(_number, most=MOST_JOBS),
            metavar="N",
            help="processes that share the work; default: one a core, 4 at most",
        )
        parser.add_argument(
            "--errors", metavar="FILE", help="write each refused row's line number and problem there (NDJSON)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _collect_rarely()
        first = options["from_line"]
        with ExitStack() as stack:
            source = self._open(options["file"], stack)
            form = options["format"] or _form(options["file"], source)
            errors = open_errors(options["errors"], source, stack, more=first > 1)
            refusals = Refusals(self.stderr, errors, table=form == "csv")
            engine = Import(
                actor=command_actor("import_credentials"),
                source=Path(options["file"]).name[:200],
                failed=refusals,
                dry_run=options["dry_run"],
                stop_on_error=options["stop_on_error"],
                platform=options["platform"],
                accept_changed_answers=options["accept_changed_answers"],
                lanes=options["jobs"] or usual(),
            )
            summary, ended = self._run(engine, source, READERS[form](source, from_line=first))
            self._finish(summary, ended, refusals, max(summary.last_line, first - 1), dry_run=engine.dry_run)

    def _run(self, engine: Import, source: BinaryIO, entries: Iterator[Entry]) -> tuple[Summary, str]:
        """Import. Returns what came of the rows, and why there are no more where something ended it."""
        progress, summary, ended = Progress(sys.stderr, _size(source)), Summary(), ""
        try:
            for summary in engine.run(entries):
                progress.show(summary.rows, summary.failed, _position(source) or summary.size)
        except Invalid as error:
            raise CommandError(error.message) from None
        except LaneEnded:
            ended = "One of its processes was ended."
        except KeyboardInterrupt:
            ended = "Stopped."
        except (OperationalError, InterfaceError):
            ended = "The database does not answer any more."
        finally:
            progress.clear()
        self.stdout.write(_sums(summary, progress.seconds, dry_run=engine.dry_run))
        return summary, ended

    def _finish(self, summary: Summary, ended: str, refusals: Refusals, last: int, *, dry_run: bool) -> None:
        """Raise CommandError unless all of the file is done."""
        if summary.stopped:
            raise CommandError(
                f"Stopped at line {refusals.last_line}: correct it. {_how_far(last, 'Nothing was written.', dry_run)}"
            )
        said = f" {refusals}" if refusals.count else ""
        if ended:
            raise CommandError(f"{ended} {_how_far(last, 'Begin again: what is done is passed over.', dry_run)}{said}")
        if said:
            them = "it" if refusals.count == 1 else "them"
            raise CommandError(f"{refusals} Correct {them}, and import the file again.")
        if not summary.rows and last:
            raise CommandError(f"The file ends before line {last + 1}: nothing was done.")
        if not summary.rows:
            self.stderr.write("No row was found there: the file is empty.")

    def _open(self, name: str, stack: ExitStack) -> BinaryIO:
        if name == "-":
            return sys.stdin.buffer
        try:
            return stack.enter_context(open(name, "rb"))
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}.") from None


def _form(name: str, source: BinaryIO) -> str:
    """Tell the form by the name, or else by how it begins. Raises CommandError for what is no JSON and says nothing."""
    suffix = Path(name).suffix.lower()
    if suffix == ".csv":
        return "csv"
    begin = source.peek(64).removeprefix(BOM_UTF8).lstrip()[:1] if isinstance(source, BufferedReader) else b""
    if suffix not in NDJSON_NAMES and begin not in (b"", b"{"):
        raise CommandError(
            "It does not begin with a JSON object: if it is a table, say --format csv, else --format ndjson."
        )
    return "ndjson"


def _number(text: str, most: int) -> int:
    if not text.isdecimal() or len(text) > len(str(most)) or not 1 <= int(text) <= most:
        raise ArgumentTypeError(f"a number from 1 to {most}")
    return int(text)


def _collect_rarely() -> None:
    """Collect garbage rarely: looking for it, hardly ever with success, would take a third of an import's time."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def _sums(summary: Summary, seconds: float, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    return (
        f"{rows_of(summary.rows)} in {seconds:.1f} s ({summary.rows / max(seconds, 0.001):,.0f} rows/s): "
        f"{would}{summary.created:,} created, {summary.changed:,} changed, {summary.unchanged:,} unchanged, "
        f"{summary.failed:,} refused."
    )


def _how_far(last: int, nothing: str, dry_run: bool) -> str:
    if not last:
        return nothing
    done = "looked at, and nothing was written" if dry_run else "done"
    return f"Everything up to line {last} is {done}: go on with --from-line {last + 1}."


def _size(source: BinaryIO) -> int:
    try:
        return os.fstat(source.fileno()).st_size
    except OSError:
        return 0


def _position(source: BinaryIO) -> int:
    return source.tell() if source.seekable() else 0

"""``manage.py import_credentials FILE``: end users, grants and credentials from NDJSON or CSV. See docs/import.md."""

import gc
import json
import os
import sys
from argparse import ArgumentTypeError
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError

from credservice.exceptions import Invalid
from credservice.management.actor import command_actor
from exchange.bulk.engine import Import, Summary
from exchange.bulk.job import Problem
from exchange.bulk.lanes import LaneEnded, usual
from exchange.bulk.lines import read_ndjson
from exchange.bulk.progress import Progress
from exchange.bulk.table import read_csv

READERS = {"ndjson": read_ndjson, "csv": read_csv}
MOST_JOBS = 64
SHOWN = 20  # refused rows that are listed where there is no file for them


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
        parser.add_argument("--from-line", type=int, default=1, metavar="N", help="go on there")
        parser.add_argument("--stop-on-error", action="store_true", help="stop before the batch of the first bad row")
        parser.add_argument(
            "--jobs", type=_count, metavar="N", help="processes that share the work; default: one a core, 4 at most"
        )
        parser.add_argument("--errors", metavar="FILE", help="write each refused row's line and problem there (NDJSON)")

    def handle(self, *args: Any, **options: Any) -> None:
        _collect_rarely()
        with ExitStack() as stack:
            source = self._open(options["file"], stack)
            failed = Failures(self.stderr, _errors_file(options["errors"], source, stack))
            form = options["format"] or ("csv" if options["file"].lower().endswith(".csv") else "ndjson")
            engine = Import(
                actor=command_actor("import_credentials"),
                source=Path(options["file"]).name[:200],
                failed=failed,
                dry_run=options["dry_run"],
                stop_on_error=options["stop_on_error"],
                platform=options["platform"],
                lanes=options["jobs"] or usual(),
            )
            self._run(engine, source, form, options)

    def _run(self, engine: Import, source: BinaryIO, form: str, options: dict[str, Any]) -> None:
        progress, summary = Progress(sys.stderr, _size(source)), Summary(last_line=options["from_line"] - 1)
        try:
            for summary in engine.run(READERS[form](source, from_line=options["from_line"])):
                progress.show(summary.rows, summary.failed, _position(source) or summary.size)
        except Invalid as error:
            raise CommandError(error.message) from None
        except LaneEnded:
            raise CommandError(f"One of its processes was ended. {_go_on(summary)}") from None
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {_go_on(summary)}") from None
        except (OperationalError, InterfaceError):
            raise CommandError(f"The database does not answer any more. {_go_on(summary)}") from None
        finally:
            progress.clear()
        self._finish(engine, summary, progress.seconds)

    def _finish(self, engine: Import, summary: Summary, seconds: float) -> None:
        would = "would be " if engine.dry_run else ""
        self.stdout.write(
            f"{summary.rows:,} rows in {seconds:.1f} s ({summary.rows / max(seconds, 0.001):,.0f} rows/s): "
            f"{would}{summary.created:,} created, {summary.changed:,} changed, {summary.unchanged:,} unchanged, "
            f"{summary.failed:,} refused."
        )
        if summary.stopped:
            raise CommandError(f"Stopped at a bad row. {_go_on(summary)}")
        if summary.failed:
            rows, them = ("1 row was", "it") if summary.failed == 1 else (f"{summary.failed:,} rows were", "them")
            raise CommandError(f"{rows} refused. Correct {them}, and import the file again.")
        if not summary.rows:
            self.stderr.write("No row was found there: the file is empty, or ends before the line to begin with.")

    def _open(self, name: str, stack: ExitStack) -> BinaryIO:
        if name == "-":
            return sys.stdin.buffer
        try:
            return stack.enter_context(open(name, "rb"))
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}.") from None


class Failures:
    """What is done with each refused row: a line in a file, or the first few on standard error."""

    def __init__(self, out: Any, file: TextIO | None) -> None:
        self._out, self._file, self._count = out, file, 0

    def __call__(self, line: int, problem: Problem) -> None:
        self._count += 1
        if self._file is not None:
            self._file.write(json.dumps({"line": line, "problem": problem}, ensure_ascii=False) + "\n")
        elif self._count <= SHOWN:
            self._out.write(_shown(f"line {line}: {problem['detail']}{_places(problem)}"))
        elif self._count == SHOWN + 1:
            self._out.write("... and more: --errors FILE keeps them all.")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_JOBS:
        raise ArgumentTypeError(f"a number from 1 to {MOST_JOBS}")
    return int(text)


def _collect_rarely() -> None:
    """A third of an import's time would go into looking for garbage among objects that hardly ever have cycles."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def _places(problem: Problem) -> str:
    places = [each["pointer"] for each in problem.get("errors", ()) if each["pointer"]]
    return f" ({', '.join(places)})" if places else ""


def _shown(text: str) -> str:
    """Names of a file's fields are the file's: none of their characters is to steer a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _errors_file(name: str | None, source: BinaryIO, stack: ExitStack) -> TextIO | None:
    if name is None:
        return None
    try:
        if os.path.exists(name) and os.path.samestat(os.stat(name), os.fstat(source.fileno())):
            raise CommandError(f"{name} is what is read: name another file for --errors.")
        return stack.enter_context(open(name, "w", encoding="utf-8", opener=_private))
    except OSError as error:
        raise CommandError(f"{name} cannot be written: {error.strerror}.") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _go_on(summary: Summary) -> str:
    return f"Everything up to line {summary.last_line} is done: go on with --from-line {summary.last_line + 1}."


def _size(source: BinaryIO) -> int:
    try:
        return os.fstat(source.fileno()).st_size
    except OSError:
        return 0


def _position(source: BinaryIO) -> int:
    return source.tell() if source.seekable() else 0

"""`manage.py apply FILE`: make the database match a set-up file. See docs/set-up-file.md."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, IntegrityError, ProgrammingError

from credservice.core.checkout import COMMAND
from credservice.core.exceptions import Conflict
from credservice.core.names import printable
from credservice.crypto import SealError
from credservice.manifest.apply import AnswersWouldChange, Outcome, Refused, apply
from credservice.manifest.document import BadFile
from credservice.manifest.schema import ChangedAnswers

ACCEPT = "--accept-changed-answers"
_GO_ON = f"To change them all the same, apply it with {ACCEPT}."
# What stands on a terminal's line until the next replaces it.
_CLEAR = "\r\x1b[K"


class Command(BaseCommand):
    help = "Make the database match a set-up file (docs/set-up-file.md) and print the differences."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a set-up file in YAML; - reads it from standard input")
        parser.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")
        parser.add_argument(
            ACCEPT,
            action="store_true",
            help="also change what customers who are answered today would get, or leave them without an answer",
        )

        parser.add_argument(
            "--only-missing", action="store_true", help="create what is missing, and leave what is there as it is"
        )

    def handle(
        self, *, file: str, dry_run: bool, accept_changed_answers: bool, only_missing: bool, **options: Any
    ) -> None:
        """Refuse changed answers rather than warn of them: what a pipeline prints, nobody reads before it is live.

        A dry run ends as the real one would, so that it can stand before it in a pipeline.
        """
        text = _read(file)
        file = "<stdin>" if file == "-" else file
        try:
            outcome = apply(
                text,
                file,
                dry_run=dry_run,
                accept_changed_answers=accept_changed_answers,
                only_missing=only_missing,
                progress=self._progress if self.stderr.isatty() else None,
            )
        except BadFile as error:
            raise CommandError(_refusal(file, [f"{file}:{error.line}: {error}"])) from None
        except Refused as error:
            lines = [f"{file}:{problem.line}: {problem}" for problem in error.problems]
            raise CommandError(_refusal(file, lines)) from None
        except AnswersWouldChange as error:
            raise CommandError(_changes_answers(file, error.changed)) from None
        except Conflict as error:
            raise CommandError(printable(f"{error.message} Nothing was changed.")) from None
        except (Error, SealError) as error:
            raise CommandError(_failure(error)) from error
        self._report(outcome, dry_run)
        if outcome.changed_answers and not accept_changed_answers:
            raise CommandError(f"It would be refused, as it changes answers that customers get today. {_GO_ON}")

    def _progress(self, what: str, done: int, total: int) -> None:
        self.stderr.write(
            f"{_CLEAR}{what}: {done:,} of {total:,}", style_func=str, ending="" if done < total else _CLEAR
        )
        self.stderr.flush()

    def _report(self, outcome: Outcome, dry_run: bool) -> None:
        for change in outcome.changes:
            self.stdout.write(printable(str(change)))
        for note in outcome.notes:
            self.stdout.write(printable(f"Note: {note}."))
        for changed in outcome.changed_answers:
            self.stdout.write(printable(f"Changed answers: {changed}"))
        if outcome.left_alone:
            left = ", ".join(f"{count:,} {noun}" for noun, count in outcome.left_alone.items())
            self.stdout.write(f"Left as they are, not in this file: {left}.")
        self.stdout.write(_summary(outcome, dry_run))


def _read(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}. Name a set-up file.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CommandError(_refusal(file, [f"{file}:{line}: the file is no UTF-8 text: save it as UTF-8"])) from None


def _refusal(file: str, lines: list[str]) -> str:
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return "\n".join([f"{file} has {count}; nothing was changed.", *map(printable, lines)])


def _changes_answers(file: str, changed: Sequence[ChangedAnswers]) -> str:
    lines = [printable(f"{file}:{each.item.line}: {each}") for each in changed]
    first = f"{file} changes answers that customers get today; nothing was changed."
    return "\n".join([first, *lines, _GO_ON])


def _failure(error: Exception) -> str:
    """Say what the database or the keyring refused. Never the error's own text: it may quote a row."""
    if isinstance(error, SealError):
        return f"A stored secret does not open, so nothing was changed: {error}. Is its key in ENCRYPTION_KEYS?"
    if isinstance(error, ProgrammingError):
        return f"The database has other tables than this version expects. Run {COMMAND} migrate, then apply again."
    if isinstance(error, IntegrityError):
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        return f"Something else changed at the same time ({name}), so nothing was changed. Apply again."
    return f"The database failed ({type(error).__name__}), so nothing was changed. Apply again."


def _summary(outcome: Outcome, dry_run: bool) -> str:
    new = sum(change.sign == "+" for change in outcome.changes)
    if not outcome.changes:
        return "Nothing to change."
    counts = f"{new:,} created, {len(outcome.changes) - new:,} changed"
    return f"Dry run, nothing was changed. It would be: {counts}." if dry_run else f"Applied: {counts}."

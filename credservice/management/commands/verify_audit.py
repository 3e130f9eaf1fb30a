"""``manage.py verify_audit``: is the trail what was sealed."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from credservice.audit import record
from credservice.audit.anchoring import read_anchors
from credservice.audit.verification import Broken, Report, verify
from credservice.exceptions import Invalid
from credservice.management.actor import command_actor

BROKEN, OVERDUE = 1, 2


class Command(BaseCommand):
    help = (
        "Hash every line of the trail anew and compare with the sealed chain. Exit code 0 where all of it holds, "
        "1 where something was changed, deleted or inserted, 2 where lines wait for their seal for over an hour."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anchor",
            action="append",
            default=[],
            metavar="NUMBER:HEAD|FILE",
            help="A head that was kept outside: finds a chain that was rewritten or cut short. May be repeated.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            anchors = [anchor for written in options["anchor"] for anchor in read_anchors(written)]
            report = verify(anchors, self._progress)
        except Invalid as error:
            raise CommandError(error.message) from None
        except Broken as error:
            self._end_progress()
            self._record("failed", {"broken": str(error)})
            raise CommandError(str(error), returncode=BROKEN) from None
        self._end_progress()
        self._tell(report, len(anchors))
        if report.is_overdue:
            self._record("failed", {"unsealed_since": f"{report.unsealed_since:%Y-%m-%d %H:%M}"})
            raise CommandError(
                f"Lines since {report.unsealed_since:%Y-%m-%d %H:%M} UTC are not sealed: no worker runs, a transaction "
                "does not end, or the chain's end was cut off. Compare with an anchor.",
                returncode=OVERDUE,
            )
        self._record("done", {"batches": report.batches, "lines": report.lines, "head": report.head})

    def _tell(self, report: Report, anchors: int) -> None:
        batches = f"{report.batches} batch{'' if report.batches == 1 else 'es'}"
        self.stdout.write(f"{report.lines:,} lines in {batches} are as they were sealed.")
        if report.dropped:
            self.stdout.write(f"Dropped by retention: {', '.join(report.dropped)}.")
        if report.head:
            self.stdout.write(f"Head: {report.batches}:{report.head}")
        self.stdout.write(f"Anchors compared: {anchors}." if anchors else "No anchor was compared.")

    def _progress(self, report: Report) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{report.lines:,} lines, {report.batches:,} batches", ending="")

    def _end_progress(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("")

    def _record(self, outcome: str, detail: dict[str, Any]) -> None:
        """For the trail's page. A trail that cannot be written to, such as a replica's, is verified all the same."""
        try:
            record(action="audit.verified", actor=command_actor("verify_audit"), outcome=outcome, detail=detail)
        except Error as error:
            self.stderr.write(f"The result could not be recorded in the trail: {type(error).__name__}.")

"""``manage.py verify_audit``: is the trail what was sealed."""

import sys
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from credservice.audit import Line, record
from credservice.audit.names import command_actor
from credservice.audit_chain.anchors import Anchor, anchor_file, read_anchors
from credservice.audit_chain.links import Broken
from credservice.audit_chain.memory import remembered
from credservice.audit_chain.refusal import accept_chain
from credservice.audit_chain.verification import Report, verify
from credservice.core.exceptions import Invalid

BROKEN, OVERDUE, UNCOMPARED, UNUSABLE = 1, 2, 3, 4
SHOWN = 20  # batches


class Command(BaseCommand):
    help = (
        "Hash every line of the trail anew and compare with the sealed chain, and the chain with heads from outside of "
        "the database: those of AUDIT_ANCHOR_FILE, the one that a worker here remembers, and --anchor. Exit code 0 "
        "where all of it holds, 1 where something was changed, deleted or inserted, 2 where lines wait for their seal "
        "for over an hour, 3 where the chain holds by itself and nothing from outside was compared, 4 where what was "
        "given cannot be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anchor",
            action="append",
            default=[],
            metavar="NUMBER:HEAD|FILE",
            help="A head that was kept outside: finds a chain that was rewritten or cut short. May be repeated.",
        )
        parser.add_argument(
            "--accept",
            metavar="REASON",
            help="Have a chain that holds by itself be the one to go on from, though it is not the one that was "
            "remembered, as after a restore. Only what --anchor names is compared. The reason is recorded.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        why = options["accept"]
        if why is not None and not why.strip():
            raise CommandError("--accept needs a reason, such as 'restored the backup of Monday'.", returncode=UNUSABLE)
        try:
            anchors = [anchor for written in options["anchor"] for anchor in read_anchors(written)]
        except Invalid as error:
            raise CommandError(error.message, returncode=UNUSABLE) from None
        remembered_here = [] if why else self._try(_remembered)
        anchors += [] if why else self._try(_in_anchor_file)
        report = self._verified([*anchors, *remembered_here])
        self._tell(report, anchors, remembered_here)
        if why:
            actor = command_actor("verify_audit")
            accept_chain(number=report.batches, head=report.head, actor=actor, why=why.strip()[:500])
            self.stdout.write(f"Accepted: the worker on this machine goes on from batch {report.batches}.")
            return
        self._conclude(report, _numbers([*anchors, *remembered_here]))

    def _verified(self, anchors: list[Anchor]) -> Report:
        try:
            return verify(anchors, self._progress)
        except Broken as error:
            self._record("failed", {"broken": str(error)})
            raise CommandError(str(error), returncode=BROKEN) from None
        finally:
            self._end_progress()

    def _try(self, read: Callable[[], list[Anchor]]) -> list[Anchor]:
        """Read heads of this machine; what cannot be read is told, and not compared."""
        try:
            return read()
        except (Broken, Invalid) as error:
            self.stderr.write(f"Not compared: {error}")
            return []

    def _conclude(self, report: Report, compared: list[int]) -> None:
        if report.is_overdue:
            self._record("failed", {"unsealed_since": f"{report.unsealed_since:%Y-%m-%d %H:%M}"})
            raise CommandError(
                f"Lines since {report.unsealed_since:%Y-%m-%d %H:%M} UTC are not sealed: no worker runs, it refuses to "
                "seal, a transaction does not end, or the chain's end was cut off."
                + ("" if compared else " Nothing was compared: give an anchor."),
                returncode=OVERDUE,
            )
        facts = {"batches": report.batches, "lines": report.lines, "head": report.head, "compared": len(compared)}
        odd = {"late": report.late[:SHOWN], "backwards": report.backwards[:SHOWN]}
        self._record("done", facts | {name: batches for name, batches in odd.items() if batches})
        if not compared:
            raise CommandError(
                "Nothing from outside of the database was compared: a chain that was cut back and sealed anew would "
                "look the same. Set AUDIT_ANCHOR_FILE, or give --anchor.",
                returncode=UNCOMPARED,
            )

    def _tell(self, report: Report, anchors: list[Anchor], remembered_here: list[Anchor]) -> None:
        batches = f"{report.batches} batch{'' if report.batches == 1 else 'es'}"
        self.stdout.write(f"{report.lines:,} lines in {batches} are as they were sealed.")
        if report.dropped:
            self.stdout.write(f"Dropped by retention: {', '.join(report.dropped)}.")
        if report.late:
            self.stderr.write(f"Sealed over an hour after a line of theirs: {_listed(report.late)}.")
        if report.backwards:
            self.stderr.write(f"Sealed before the batch before them, by the clock: {_listed(report.backwards)}.")
        if report.head:
            self.stdout.write(f"Head: {report.batches}:{report.head}")
        given = _numbers(anchors)
        self.stdout.write(f"Anchors compared: {len(given)}." if given else "No anchor was compared.")
        for number in _numbers(remembered_here):
            self.stdout.write(f"In the chain as the worker here remembers it: batch {number} of {report.batches}.")

    def _progress(self, report: Report) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{report.lines:,} lines, {report.batches:,} batches", ending="")

    def _end_progress(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("")

    def _record(self, outcome: str, detail: dict[str, Any]) -> None:
        """For the trail's page. A trail that cannot be written to, such as a replica's, is verified all the same."""
        try:
            record(Line("audit.verified", command_actor("verify_audit"), outcome, detail=detail))
        except Error as error:
            self.stderr.write(f"The result could not be recorded in the trail: {type(error).__name__}.")


def _remembered() -> list[Anchor]:
    head = remembered()
    return [head] if head else []


def _in_anchor_file() -> list[Anchor]:
    return read_anchors(settings.AUDIT_ANCHOR_FILE) if anchor_file() else []


def _numbers(anchors: list[Anchor]) -> list[int]:
    """The batches that are compared: each head of a chain that holds; an empty chain's says nothing."""
    return [anchor.number for anchor in anchors if anchor.number]


def _listed(batches: list[int]) -> str:
    more = f" and {len(batches) - SHOWN:,} more" if len(batches) > SHOWN else ""
    return f"batches {', '.join(map(str, batches[:SHOWN]))}{more}"

"""``manage.py check_sealed``: open what is sealed, and say what cannot be opened, by key."""

import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from credservice.crypto.inspection import Report, open_all

SHOWN = 20


class Command(BaseCommand):
    help = "Open every sealed value (or a sample) and report what cannot be opened, by data key. Shows no value."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sample", type=int, metavar="N", help="Only N values of each column.")

    def handle(self, *args: Any, **options: Any) -> None:
        report = Report()
        for report in open_all(options["sample"]):
            if sys.stderr.isatty():
                self.stderr.write(f"\r{report.opened.total() + report.failed.total()} values", ending="")
        for key_id in sorted(report.opened | report.failed):
            name = f"data key {key_id}" if key_id else "not sealed"
            self.stdout.write(f"{name}: {report.opened[key_id]} opened, {report.failed[key_id]} failed")
        if report.reasons:
            raise CommandError("\n".join(["Cannot be opened:", *_sentences(report)]))
        self.stdout.write(f"All {report.opened.total()} sealed values open.")
        if report.unbound:
            refused = "" if settings.ACCEPT_ROW_BOUND else ", and the service refuses those (ACCEPT_ROW_BOUND)"
            self.stdout.write(
                f"{report.unbound} of them are bound to their row alone{refused}: run manage.py bind_sealed."
            )


def _sentences(report: Report) -> Iterator[str]:
    """The commonest reasons: a key that is missing is one, however many values it sealed."""
    for reason, count in report.reasons.most_common(SHOWN):
        yield reason if count == 1 else f"{count} values: {reason}"
    rest = report.failed.total() - sum(count for _, count in report.reasons.most_common(SHOWN))
    if rest:
        yield f"... and {rest} more."

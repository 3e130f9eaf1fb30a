"""``manage.py export_audit``: the trail, or a part of it, to standard output."""

import os
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from credservice.audit import Line, record
from credservice.audit.export import FORMATS, read_up, write
from credservice.audit.models import AuditEvent
from credservice.audit.names import command_actor
from credservice.audit.selection import Selection
from credservice.audit_chain.sealing import last_up_to
from credservice.audit_chain.watermark import settled_up_to
from credservice.core.exceptions import Invalid


class Command(BaseCommand):
    help = (
        "Write the trail to standard output, oldest line first, as NDJSON or CSV. Says on standard error where the "
        "next export goes on (--after): lines that are still being written are left to it, so that none is ever missed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=FORMATS, default="ndjson")
        parser.add_argument("--after", type=int, default=0, metavar="ID", help="Only lines after this one.")
        parser.add_argument("--since", default="", metavar="TIME", help="ISO 8601, UTC; included.")
        parser.add_argument("--until", default="", metavar="TIME", help="ISO 8601, UTC; not included.")
        parser.add_argument("--actor", default="", help="Such as user:ann or platform:mindcloud.")
        parser.add_argument("--object", default="", metavar="TYPE:ID", help="Or the id alone; TYPE: for a whole kind.")
        parser.add_argument("--action", default="", help="Such as credential.revealed.")
        parser.add_argument("--outcome", default="", help=", ".join(AuditEvent.Outcome.values))

    def handle(self, *args: Any, **options: Any) -> None:
        asked = ("since", "until", "actor", "object", "action", "outcome")
        selection = Selection(**{name: options[name] for name in asked})
        try:
            events = selection.events()
        except Invalid as error:
            raise CommandError(error.message) from None
        # What has settled; while somebody's transaction takes long, what is sealed at least.
        up_to = settled_up_to()
        up_to = last_up_to() if up_to is None else up_to
        detail = selection.said() | {"format": options["format"], "after": options["after"], "up_to": up_to}
        record(Line("audit.exported", command_actor("export_audit"), detail=detail))
        lines = write(read_up(events, after=options["after"], up_to=up_to), options["format"])
        self._write(lines, max(up_to, options["after"]))

    def _write(self, lines: Iterator[tuple[int | None, str]], up_to: int) -> None:
        """``up_to`` is where the next export goes on, also where the last lines before it were of no interest."""
        try:
            for _, text in lines:
                self.stdout.write(text, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # Python would complain once more when it flushes at its end (docs.python.org, "Note on SIGPIPE").
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError("The reader went away. Continue with --after and the last id that it has.") from None
        self.stderr.write(f"Last id: {up_to}. Continue with --after {up_to}.")

"""``manage.py export_data``: everything but secrets, to standard output. See docs/import.md."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from credservice.audit import record
from credservice.exceptions import Invalid
from credservice.exporting import check_kinds, kinds, read_kind
from credservice.management.actor import command_actor


class Command(BaseCommand):
    help = (
        "Write end users, installations, grants, credentials (without values) and resources to standard output: NDJSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", nargs="*", metavar="KIND", help=f"{', '.join(kinds())}; default: all of them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            names = check_kinds(options["kind"])
        except Invalid as error:
            raise CommandError(error.message) from None
        for name in names:
            record(action="data.exported", actor=command_actor("export_data"), object_type="export", object_id=name)
        try:
            for name in names:
                for line in read_kind(name):
                    self.stdout.write(line, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # Python would complain once more when it flushes at its end (docs.python.org, "Note on SIGPIPE").
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError("The reader went away before the end.") from None

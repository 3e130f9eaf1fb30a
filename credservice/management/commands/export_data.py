"""``manage.py export_data``: everything but secrets, to standard output. See docs/import.md."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from credservice.audit import Line, record
from credservice.audit.names import command_actor
from credservice.core.exceptions import Invalid
from credservice.vendor_api.exports import check_kinds, kinds, read_kind


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
            record(Line("data.exported", command_actor("export_data"), object_type="export", object_id=name))
        for name in names:
            for line in read_kind(name):
                self.stdout.write(line, ending="")

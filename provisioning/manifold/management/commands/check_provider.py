"""Acts as the marketplace: ``manage.py check_provider URL`` (docs/check-provider.md)."""

import logging
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from provisioning.checker.cli import main
from provisioning.checker.options import DESCRIPTION, add_arguments


class Command(BaseCommand):
    help = DESCRIPTION
    # It needs neither this service's database nor its settings to be right.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        # The service's settings log every outgoing request, which would stand between the lines of the report.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        code = main(options, self.stdout, self.stderr, no_colour=options["no_color"])
        if code:
            sys.exit(code)

"""``manage.py create_token``: a service token for one of the vendor's systems."""

from argparse import RawDescriptionHelpFormatter
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from credservice.audit.names import command_actor
from credservice.core.exceptions import ServiceError
from credservice.core.time_spans import AT_MOST, MAX_SPAN
from credservice.vendor_api.models import Scope
from credservice.vendor_api.tokens import create_token


class Command(BaseCommand):
    help = "Make a service token for the vendor API and print it. It is shown this once; only a digest is kept."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        scopes = "\n".join(f"  {scope.value:<26} {scope.label}" for scope in Scope)
        kwargs |= {"epilog": f"scopes:\n{scopes}", "formatter_class": RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Whose it is, such as billing or product.")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=Scope.values,
            metavar="SCOPE",
            help="One of those below. May be repeated.",
        )
        parser.add_argument("--days", type=int, help="Ends after so many days; without it, when it is revoked.")
        parser.add_argument("--network", action="append", default=[], help="May be called from (CIDR); repeatable.")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= MAX_SPAN.days:
            raise CommandError(f"--days must be from 1 to {MAX_SPAN.days}: {AT_MOST}.")
        try:
            _, text = create_token(
                name=options["name"],
                scopes=options["scope"],
                actor=command_actor("create_token"),
                expires_at=timezone.now() + timedelta(days=days) if days else None,
                networks=options["network"],
            )
        except ServiceError as error:
            raise CommandError(error.message) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(text)

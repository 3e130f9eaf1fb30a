"""``manage.py grant_role``: the rights of the running service's database role, as SQL."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from credservice.core.database_role import NoTables, grants, place
from credservice.core.startup import MIGRATE


class Command(BaseCommand):
    help = (
        "Print the SQL that gives a database role what the running service needs, and no more, after each migrate: "
        "for psql, as the owner of the tables. Rights to tables that are made later are included."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", metavar="ROLE", help="The role in the service's DATABASE_URL; it must exist.")
        parser.add_argument(
            "--execute", action="store_true", help="Run it, in one transaction, instead of printing it."
        )

    def handle(self, *args: Any, role: str, execute: bool, **options: Any) -> None:
        try:
            self._refuse_owner(role)
            text = "".join(f"{statement};\n" for statement in grants(role))
        except NoTables:
            raise CommandError(f"The database has no tables yet. {MIGRATE}") from None
        if execute:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(text)
            self.stdout.write(f"{role} has the rights of the running service.")
        else:
            self.stdout.write(f"BEGIN;\n{text}COMMIT;")

    def _refuse_owner(self, role: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(%s)", [role])
            if cursor.fetchone()[0] == place().owner:
                raise CommandError(f"{role} owns the tables, and so has every right to them: make another role.")

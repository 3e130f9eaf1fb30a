"""``manage.py revoke_token``: end a service token now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import F

from credservice.audit.names import command_actor
from credservice.vendor_api.models import ServiceToken
from credservice.vendor_api.tokens import revoke_token


class Command(BaseCommand):
    help = (
        "Revoke a service token: calls with it are refused from now on. This cannot be undone; repeating is harmless."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="The name that it was created with.")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        newest_first = F("revoked_at").desc(nulls_first=True)  # and before all of them the one that still works
        token = ServiceToken.objects.filter(name=name).order_by(newest_first).first()
        if token is None:
            raise CommandError(f"There is no token named {name!r}.")
        revoke_token(token=token, actor=command_actor("revoke_token"))
        self.stdout.write(f"{name} is revoked.")

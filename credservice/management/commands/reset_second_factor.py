"""``manage.py reset_second_factor NAME``: for an administrator who is locked out."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from credservice.accounts.services import reset_second_factor
from credservice.audit.names import command_actor


class Command(BaseCommand):
    help = "Take every second factor and recovery code from an account, and end its sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the account's user name")
        parser.add_argument("--why", default="lock-out", help="kept in the trail")

    def handle(self, *, name: str, why: str, **_: Any) -> None:
        user = get_user_model()._default_manager.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account {name!r}.")
        count = reset_second_factor(user=user, actor=command_actor("reset_second_factor"), reason=why)
        if not count:
            self.stdout.write(f"{name} has no second factor. Sessions that it had are ended.")
            return
        self.stdout.write(
            f"Reset: {name} signs in with the password alone, and is led to set one up where it is required."
        )

"""``manage.py whose_key``: which credential is this string."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand

from credservice.audit.names import command_actor
from credservice.credentials.key_lookup import report_leak


class Command(BaseCommand):
    help = "Read a string from standard input (or a hidden prompt) and say which credentials it holds values of."

    def handle(self, *args: Any, **options: Any) -> None:
        # Never an argument: those are seen by every user of the machine, and kept in the shell's history.
        text = getpass.getpass("Paste it (it is not shown or stored): ") if sys.stdin.isatty() else sys.stdin.read()
        found = report_leak(text, actor=command_actor("whose_key"))
        for credential in found:
            self.stdout.write(
                f"{credential.pk}  {credential.state}  policy {credential.policy.name}  {credential.subject}"
            )
        if not found:
            self.stdout.write("It holds no value of a credential that is kept here.")

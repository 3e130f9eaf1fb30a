"""``manage.py whose_key``: which credential is this string."""

import codecs
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
        asked = sys.stdin.isatty()
        text = getpass.getpass("Paste it (it is not shown or stored): ") if asked else _decoded(sys.stdin.buffer.read())
        found = report_leak(text, actor=command_actor("whose_key"))
        for credential in found:
            self.stdout.write(
                f"{credential.pk}  {credential.state}  policy {credential.policy.name}  {credential.subject}"
            )
        if not found:
            self.stdout.write("It holds no value of a credential that is kept here.")


def _decoded(content: bytes) -> str:
    """Read a file of any encoding as far as keys go, which are ASCII: UTF-16 is told by its mark."""
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf16 else "utf-8", errors="replace")

"""`manage.py export`: the database as a set-up file, without secrets. See docs/set-up-file.md."""

import os
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from credservice.manifest.dump import export

_HEADER = (
    "# Made by manage.py export. Secrets are left out; where one is kept, a comment shows how to refer to it.\n"
    "# What a file does not name, apply leaves as it is.\n"
)


class Command(BaseCommand):
    help = "Write the database as a set-up file (docs/set-up-file.md), without its secrets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", metavar="FILE", help="write there instead of to standard output")
        parser.add_argument(
            "--without", action="append", default=[], metavar="SECTION", help="leave out, such as end_users"
        )

    def handle(self, *, output: str | None, without: list[str], **options: Any) -> None:
        try:
            lines = export(without)
            # Read first: a file that the shell made stays empty where nothing can be read.
            self._write(output, chain(list(islice(lines, 1)), lines))
        except ImproperlyConfigured as error:
            raise CommandError(f"A policy's issuer is missing: {error}") from None

    def _write(self, output: str | None, lines: Iterator[str]) -> None:
        if output is None:
            self.stdout.write(_HEADER, ending="")
            for line in lines:
                self.stdout.write(line)
            return
        path = Path(output)
        unfinished = path.with_name(f"{path.name}.unfinished")
        try:
            with open(unfinished, "w", encoding="utf-8", opener=_private) as file:
                file.write(_HEADER)
                file.writelines(f"{line}\n" for line in lines)
            unfinished.replace(path)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

"""``manage.py bind_sealed``: seal anew what an earlier version bound to its row alone, and not to whose it is."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from credservice.crypto.binding import Bound, bind_all
from credservice.crypto.inspection import open_all

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Bind every sealed value to whose it is, or where it is sent. Once, after an upgrade from before 0.1.0, when "
        "no process of that version runs any more: it could not open what is sealed from now on. May be stopped and "
        "run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = Bound()
        for done in bind_all():
            if sys.stderr.isatty():
                self.stderr.write(f"\r{done.values} values", ending="")
        self.stdout.write(f"{done.values} values were bound.")
        *_, report = open_all()
        if report.unbound:
            raise CommandError(f"{report.unbound} values are left, such as of rows that were in use: run it again.")
        if report.reasons:
            raise CommandError("Cannot be opened:\n" + "\n".join(list(report.reasons)[:SHOWN]))
        if settings.ACCEPT_ROW_BOUND:
            self.stdout.write("Take ACCEPT_ROW_BOUND out of the settings of every process, and restart them.")

"""``manage.py restore_drill``: can this backup be restored, and what would be missing."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from credservice.audit_chain.anchors import Anchor, anchor_file, read_anchors
from credservice.core.exceptions import Invalid
from credservice.core.names import printable
from credservice.management.restore_drill import Unusable, copy, production, telling, trail
from credservice.management.restore_drill.libpq import Config, connect, identity, same_address
from credservice.management.restore_drill.scratch import left_behind, restore, scratch_database

BROKEN, UNCOMPARED, UNUSABLE, INTERRUPTED = 1, 3, 4, 130  # the first three are those of verify_audit


class Command(BaseCommand):
    help = (
        "Restore a dump into a scratch database on the server of RESTORE_DATABASE_URL, open all that is sealed in it "
        "with the keys at hand, verify its audit log against the heads that were kept outside, compare its rows with "
        "production (DATABASE_URL), where nothing is written, and say what was issued, ended and changed since. The "
        "scratch database is dropped. Exit code 0 where all of it holds, 1 where something does not, 3 where it holds "
        "by itself and was not compared, 4 where what was given cannot be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("dump", nargs="?", type=Path, metavar="DUMP", help="What pg_dump wrote, in any format.")
        what.add_argument(
            "--restored",
            action="store_true",
            help="Check the database at RESTORE_DATABASE_URL, a base backup that was restored. It is only read.",
        )
        parser.add_argument(
            "--anchors", metavar="FILE", help="Heads that were kept outside; without it those of AUDIT_ANCHOR_FILE."
        )
        parser.add_argument(
            "--trail", type=Path, metavar="FILE", help="What export_audit wrote elsewhere, where production is lost."
        )
        parser.add_argument(
            "--all", action="store_true", help="Name all that was issued, ended and changed since, not the first 20."
        )
        parser.add_argument("--alone", action="store_true", help="Do not read production, such as when it is lost.")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            with _interruptible():
                faults, uncompared = self._drill(**options)
        except Unusable as error:
            raise CommandError(printable(str(error)), returncode=UNUSABLE) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted: nothing is left of it.", returncode=INTERRUPTED) from None
        self.stdout.write(f"It took {time.monotonic() - began:.0f} s in all.")
        if faults:
            found = "\n".join(["This backup cannot be relied on:", *map(printable, faults)])
            raise CommandError(found, returncode=BROKEN)
        if uncompared:
            self.stdout.write("\n".join(["This backup holds by itself. Not compared:", *uncompared]))
            sys.exit(UNCOMPARED)
        self.stdout.write(self.style.SUCCESS("This backup can be restored."))

    def _drill(self, dump: Path | None, anchors: str | None, **options: Any) -> tuple[list[str], list[str]]:
        """Return what does not hold, and what was not compared."""
        # Copies: Django's connection, which is led elsewhere, has these very settings.
        live, place = deepcopy(settings.DATABASES["default"]), deepcopy(settings.RESTORE_DATABASE)
        if place is None:
            raise Unusable(
                "RESTORE_DATABASE_URL is missing: a server to restore to, by a role that may make databases."
            )
        heads = _heads(anchors)
        with self._copy(dump, live, place) as config, copy.connected_to(config):
            copy.check_schema(self._tell, migrate=dump is not None)
            copy.only_read()
            end = copy.end_of_trail()
            faults = copy.check_values(self._tell)
            more, compared = copy.check_trail(end, heads, self._tell)
            faults += more
            uncompared = [] if compared else ["No head of the audit log from outside: give --anchors."]
            faults += self._compare(None if options["alone"] else live, end, heads, uncompared, **options)
        return faults, uncompared

    @contextmanager
    def _copy(self, dump: Path | None, live: Config, place: Config) -> Iterator[Config]:
        if dump is None:
            _refuse_production(live, place)
            yield place
            return
        with scratch_database(place) as scratch:
            if others := [name for name in left_behind(place) if name != scratch["NAME"]]:
                self.stderr.write(f"Of drills that are under way, or were killed: {', '.join(others)}.")
            began = time.monotonic()
            restore(dump, scratch)
            self._tell(f"Restored {dump.name} into a scratch database in {time.monotonic() - began:.0f} s.")
            yield scratch

    def _compare(
        self, live: Config | None, end: copy.End, heads: list[Anchor], uncompared: list[str], **options: Any
    ) -> list[str]:
        """Compare with production where it can be read, and tell what was done since."""
        file: Path | None = options["trail"]
        try:
            with production.reading(live) if live else nullcontext() as there:
                faults = production.compare_rows(there, end, self._tell) if there else []
                lines = trail.in_export(file, end) if file else trail.in_production(there, end) if there else None
                if lines is None:
                    telling.tell_gap(end, heads, self._tell)
                else:
                    telling.tell_lines(lines, end, trail.issuers_of(there), self._tell, every=options["all"])
                return faults
        except psycopg.Error as error:
            uncompared.append(f"Production cannot be read ({type(error).__name__}): give --alone where it is lost.")
            telling.tell_gap(end, heads, self._tell)
            return []

    def _tell(self, sentence: str) -> None:
        self.stdout.write(printable(sentence))  # partners' ids may be anything, and so may those of --trail


def _heads(anchors: str | None) -> list[Anchor]:
    written = anchors or (settings.AUDIT_ANCHOR_FILE if anchor_file() else "")
    try:
        return read_anchors(written) if written else []
    except Invalid as error:
        raise Unusable(error.message) from None


def _refuse_production(live: Config, place: Config) -> None:
    """Refuse to take production for its own backup, by whatever address."""
    same = same_address(live, place)
    if not same:
        try:
            with closing(connect(place)) as copied, closing(connect(live)) as original:
                same = identity(copied) == identity(original)
        except psycopg.OperationalError:
            return  # the one cannot be read and is compared with nothing; the other is told by the first check
    if same:
        raise Unusable("RESTORE_DATABASE_URL is production itself (DATABASE_URL): name the restored database.")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have SIGTERM unwind as Ctrl-C does, so that the scratch database is dropped."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

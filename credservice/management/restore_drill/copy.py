"""Checks the restored copy with the keys at hand: its schema, what is sealed, and the trail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from credservice.audit.models import AuditEvent
from credservice.audit_chain.anchors import Anchor
from credservice.audit_chain.links import Broken, last_seal
from credservice.audit_chain.sealing import BEHIND
from credservice.audit_chain.verification import Report, verify
from credservice.core.checkout import COMMAND
from credservice.crypto import SealError
from credservice.crypto.inspection import open_all
from credservice.crypto.kek import KeyServiceError
from credservice.management.restore_drill import Unusable
from credservice.management.restore_drill.libpq import ADDRESS, Config

Tell = Callable[[str], object]
_SHOWN = 3
_COMMIT = timedelta(minutes=1)  # that a seal may take from its time to its commit


@dataclass(frozen=True)
class End:
    """The end of the copy's trail: its newest line, and the last one that is sealed, before which all is there."""

    line: int
    at: datetime
    sealed_line: int
    sealed_at: datetime


@contextmanager
def connected_to(copy: Config) -> Iterator[None]:
    """Lead Django to the copy, and nowhere else, as long as this lasts."""
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update({key: copy.get(key, "") for key in ADDRESS})
    connection.settings_dict["OPTIONS"] = {**before["OPTIONS"], **copy.get("OPTIONS", {})}
    connection.settings_dict["OPTIONS"]["target_session_attrs"] = "any"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def check_schema(tell: Tell, *, migrate: bool) -> None:
    """Bring an older schema up to this release, as after a restore; where ``migrate`` is not allowed, refuse it.

    Raises :class:`Unusable` where nothing of ours is there, or a newer release made it.
    """
    executor = MigrationExecutor(connection)
    known, applied = set(executor.loader.disk_migrations), set(executor.loader.applied_migrations)
    if ("audit", "0001_initial") not in applied:
        raise Unusable("There are no tables of credservice in it: it is the backup of something else, or of nothing.")
    ours = {app for app, _ in known}
    newer = sorted(f"{app}.{name}" for app, name in applied - known if app in ours)
    if newer:
        raise Unusable(f"A newer release made it, with {', '.join(newer[:_SHOWN])}: use that release.")
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing and not migrate:
        raise Unusable(f"It lacks migrations of this release. Run, with its DATABASE_URL: {COMMAND} migrate")
    if missing:
        call_command("migrate", interactive=False, verbosity=0)
        tell(f"An older release made it: {len(missing)} migrations were applied, as after a restore.")


def only_read() -> None:
    """Have the server refuse whatever would be written from here on."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")


def check_values(tell: Tell) -> list[str]:
    """Open every sealed value. Returns what cannot be opened, and why."""
    try:
        report = list(open_all())[-1]  # the same one, growing
    except KeyServiceError as error:
        return [f"The sealed values cannot be opened: {error}."]
    if not report.reasons:
        tell(f"All {report.opened.total():,} sealed values open.")
        return []
    reasons = [f"{why} ({count:,} values)" for why, count in report.reasons.most_common(_SHOWN)]
    total = report.opened.total() + report.failed.total()
    return [f"{report.failed.total():,} of {total:,} sealed values do not open: {'; '.join(reasons)}."]


def end_of_trail() -> End:
    """Find where the trail ends. Raises :class:`Unusable` where it is empty."""
    newest = AuditEvent.objects.order_by("-pk").first()
    if newest is None:
        raise Unusable("Its audit log is empty: it is the backup of a service that never did anything.")
    seal = last_seal()
    return End(newest.pk, newest.at, seal.up_to_id if seal else 0, seal.up_to_at if seal else newest.at)


def check_trail(end: End, anchors: list[Anchor], tell: Tell) -> tuple[list[str], int]:
    """Verify the trail against the heads that were kept outside. Returns its faults, and how many heads it was compared
    with: those of batches that were sealed after the backup are not in it."""
    last = last_seal()
    compared = [anchor for anchor in anchors if 0 < anchor.number <= (last.number if last else 0)]
    try:
        report = verify(compared)
    except (Broken, SealError, KeyServiceError) as error:
        return [f"The audit log does not hold: {str(error).rstrip('.')}."], len(compared)
    tell(
        f"{report.lines:,} lines of the audit log are as they were sealed, up to batch {report.batches:,}; "
        f"heads from outside compared: {len(compared):,}."
    )
    tell(f"The copy ends at line {end.line}, written {end.at:%Y-%m-%d %H:%M:%S} UTC.")
    return [*_cut_back(end, report, anchors), *_unsealed(end, report)], len(compared)


def _cut_back(end: End, report: Report, anchors: list[Anchor]) -> Iterator[str]:
    """Find a batch that must be there: it was sealed before a line was written that is."""
    for anchor in anchors:
        if anchor.number > report.batches and anchor.sealed_at and anchor.sealed_at < end.at - _COMMIT:
            yield (
                f"Batch {anchor.number} was sealed {anchor.sealed_at:%Y-%m-%d %H:%M} UTC, before the copy's newest "
                f"line, and is not in it: its chain was cut back to batch {report.batches}."
            )
            return


def _unsealed(end: End, report: Report) -> Iterator[str]:
    """Find lines that had waited for their seal for too long when the backup was made, not by now."""
    if report.unsealed_since and end.at - report.unsealed_since > BEHIND:
        yield (
            f"Lines since {report.unsealed_since:%Y-%m-%d %H:%M} UTC had no seal an hour later, when it was made: no "
            "worker sealed, or the chain's end was cut off."
        )

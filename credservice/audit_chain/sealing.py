"""Seals the audit log into a hash chain: closes batches of lines in order, each head covering the one before.

Writers are not serialised by it: they write lines as ever, and the worker closes what has settled, a minute later.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from credservice.audit.canonical import Digests, Part
from credservice.audit.models import AuditSeal
from credservice.audit_chain.anchors import Anchor, anchor
from credservice.audit_chain.links import GENESIS, last_seal
from credservice.audit_chain.memory import confirmed_end, remember
from credservice.audit_chain.reader import StoredLine, read_lines
from credservice.audit_chain.signatures import prove, proving_key
from credservice.audit_chain.watermark import settled_up_to
from credservice.keys.models import SigningKey

BATCH = 10_000  # lines
BEHIND = timedelta(hours=1)


def seal_settled() -> int:
    """Close everything that has settled, batch by batch. Returns how many lines; 0 also while a writer takes long.

    Raises :class:`~credservice.audit_chain.links.Broken`, and seals nothing, where the chain is not the one that is
    remembered outside of the database.
    """
    end = confirmed_end()
    if end:
        remember(Anchor(end.number, bytes(end.head).hex()))  # which another machine may have sealed
    up_to = settled_up_to()
    if not up_to or not _has_lines_after(end.up_to_id if end else 0, up_to):
        return 0
    key, sealed = proving_key(), 0
    while lines := _seal_batch(up_to, key):
        sealed += lines
    return sealed


def last_up_to() -> int:
    seal = last_seal()
    return seal.up_to_id if seal else 0


def oldest_unsealed() -> datetime | None:
    """Return the time of the first line after the last batch."""
    line = next(read_lines(last_up_to(), 2**63 - 1, limit=1), None)
    return line.at if line else None


def is_behind() -> bool:
    """Tell whether lines wait for longer than an hour: the worker does not run, or a transaction does not end."""
    oldest = oldest_unsealed()
    return oldest is not None and oldest < timezone.now() - BEHIND


def append(
    before: AuditSeal | None, kind: str, parts: list[Part], last_line: StoredLine | None, key: SigningKey
) -> AuditSeal:
    """Add a link after ``before``, which :func:`confirmed_end` returned within the caller's transaction.

    That holds :func:`lock_chain`. The head goes outside once it has committed.
    """
    after_id = before.up_to_id if before else 0
    seal = AuditSeal(
        number=before.number + 1 if before else 1,
        kind=kind,
        sealed_at=timezone.now(),
        after_id=after_id,
        up_to_id=last_line.id if last_line else after_id,
        up_to_at=last_line.at if last_line else (before.up_to_at if before else timezone.now()),
        parts=[part.as_json() for part in parts],
        previous=bytes(before.head) if before else GENESIS,
    )
    seal.head = seal.computed_head()
    prove(seal, key)
    seal.save(force_insert=True)
    transaction.on_commit(lambda: _keep_outside(seal), robust=True)
    return seal


def _keep_outside(seal: AuditSeal) -> None:
    remember(Anchor(seal.number, bytes(seal.head).hex()))
    anchor(seal)


def lock_chain() -> None:
    """Let one seal at a time, until the transaction ends: two links after the same head would be no chain."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('credservice.audit.chain'))")


def _seal_batch(up_to: int, key: SigningKey) -> int:
    with transaction.atomic():
        lock_chain()
        before = confirmed_end()
        after = before.up_to_id if before else 0
        digests, last, count = digest_lines(read_lines(after, up_to, limit=BATCH))
        if last is not None:
            append(before, AuditSeal.Kind.LINES, digests.parts(), last, key)
    return count


def digest_lines(lines: Iterable[StoredLine]) -> tuple[Digests, StoredLine | None, int]:
    """Return the digests of ``lines``, the last one of them, and how many there are."""
    digests, last, count = Digests(), None, 0
    for line in lines:
        digests.add(line.month, line.values)
        last, count = line, count + 1
    return digests, last, count


def _has_lines_after(after: int, up_to: int) -> bool:
    return next(read_lines(after, up_to, limit=1), None) is not None

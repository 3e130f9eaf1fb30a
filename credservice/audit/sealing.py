"""The trail's hash chain: batches of lines are closed in order, each head covering the one before.

Writers are not serialised by it: they write lines as ever, and the worker closes what has settled, a minute later.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from credservice.audit import anchoring
from credservice.audit.canonical import Digests, Part
from credservice.audit.horizon import settled_up_to
from credservice.audit.lines import Line, read_lines
from credservice.audit.models import AuditSeal
from credservice.audit.proof import prove, proving_key
from credservice.keys.models import SigningKey

BATCH = 10_000  # lines
BEHIND = timedelta(hours=1)
GENESIS = bytes(32)


def seal_settled() -> int:
    """Close everything that has settled, batch by batch. Returns how many lines; 0 also while a writer takes long."""
    up_to = settled_up_to()
    if not up_to or not _has_lines_after(last_up_to(), up_to):
        return 0
    key, sealed = proving_key(), 0
    while lines := _seal_batch(up_to, key):
        sealed += lines
    return sealed


def last_seal() -> AuditSeal | None:
    return AuditSeal.objects.order_by("-number").first()


def last_up_to() -> int:
    seal = last_seal()
    return seal.up_to_id if seal else 0


def oldest_unsealed() -> datetime | None:
    """The time of the first line after the last batch."""
    line = next(read_lines(last_up_to(), 2**63 - 1, limit=1), None)
    return line.at if line else None


def is_behind() -> bool:
    """Whether lines wait for longer than an hour: the worker does not run, or a transaction does not end."""
    oldest = oldest_unsealed()
    return oldest is not None and oldest < timezone.now() - BEHIND


def append(kind: str, parts: list[Part], last_line: Line | None, key: SigningKey) -> AuditSeal:
    """Add a link, in the caller's transaction, which holds :func:`lock_chain`. Anchored once that has committed."""
    before = last_seal()
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
    transaction.on_commit(lambda: anchoring.anchor(seal), robust=True)
    return seal


def lock_chain() -> None:
    """One at a time, until the transaction ends: two links after the same head would be no chain."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('credservice.audit.chain'))")


def _seal_batch(up_to: int, key: SigningKey) -> int:
    with transaction.atomic():
        lock_chain()
        digests, last, count = digest_lines(read_lines(last_up_to(), up_to, limit=BATCH))
        if last is not None:
            append(AuditSeal.Kind.LINES, digests.parts(), last, key)
    return count


def digest_lines(lines: Iterable[Line]) -> tuple[Digests, Line | None, int]:
    """The digests of ``lines``, the last one of them, and how many there are."""
    digests, last, count = Digests(), None, 0
    for line in lines:
        digests.add(line.month, line.values)
        last, count = line, count + 1
    return digests, last, count


def _has_lines_after(after: int, up_to: int) -> bool:
    return next(read_lines(after, up_to, limit=1), None) is not None

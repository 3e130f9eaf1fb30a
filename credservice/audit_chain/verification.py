"""Verifies the audit log by its seals: each line hashed anew, each head, signature and anchor; constant memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from credservice.audit.canonical import Part
from credservice.audit.models import AuditSeal
from credservice.audit_chain.anchors import Anchor
from credservice.audit_chain.links import Broken, check_follows, check_itself, seals_from
from credservice.audit_chain.reader import StoredLine, read_lines
from credservice.audit_chain.sealing import BEHIND, digest_lines, oldest_unsealed
from credservice.audit_chain.signatures import fault_of

CLOCKS = timedelta(seconds=10)  # that the clocks of two workers may differ by


@dataclass
class Report:
    """Batches and lines that held, and since when lines wait to be sealed.

    ``late`` are batches that were sealed over an hour after a line of theirs,
    ``backwards`` those that were sealed before the batch before: a worker that stood still, a clock that was set, or
    a chain that was cut back and sealed anew.
    """

    batches: int = 0
    lines: int = 0
    up_to_id: int = 0
    head: str = ""
    dropped: list[str] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    backwards: list[int] = field(default_factory=list)
    unsealed_since: datetime | None = None

    @property
    def is_overdue(self) -> bool:
        return self.unsealed_since is not None and self.unsealed_since < timezone.now() - BEHIND


def verify(anchors: Iterable[Anchor] = (), progress: Callable[[Report], None] = lambda _: None) -> Report:
    """Check everything from the first batch on. Raises :class:`Broken` at the first that does not hold."""
    expected = _by_number(anchors)
    dropped = _dropped_months()
    report, before = Report(dropped=sorted(dropped)), None
    for seal in seals_from():
        check_follows(seal, before)
        check_itself(seal)
        _check_anchors(seal, expected.pop(seal.number, set()))
        count, oldest = _check_lines(seal, dropped)
        report.lines += count
        if seal.kind == AuditSeal.Kind.LINES and seal.sealed_at - oldest > BEHIND:
            report.late.append(seal.number)
        if before and seal.sealed_at < before.sealed_at - CLOCKS:
            report.backwards.append(seal.number)
        report.batches, report.up_to_id, report.head = seal.number, seal.up_to_id, bytes(seal.head).hex()
        before = seal
        progress(report)
    if expected:
        raise Broken(
            f"An anchor names batch {max(expected)}, and the chain ends at batch {report.batches}: its end was cut "
            "off, or the database is an older copy."
        )
    report.unsealed_since = oldest_unsealed()
    return report


def _by_number(anchors: Iterable[Anchor]) -> dict[int, set[str]]:
    """The heads that each batch must have; an empty chain, which was accepted once, begins every chain."""
    expected: dict[int, set[str]] = {}
    for anchor in anchors:
        if anchor.number:
            expected.setdefault(anchor.number, set()).add(anchor.head)
    return expected


def _dropped_months() -> dict[str, int]:
    """The months that were dropped, and by which link, of links that are ours; their place is checked in the chain."""
    links = AuditSeal.objects.filter(kind=AuditSeal.Kind.RETENTION)
    ours = [link for link in links if link.computed_head() == bytes(link.head) and not fault_of(link)]
    return {part.month: link.number for link in ours for part in link.month_parts()}


def _check_anchors(seal: AuditSeal, heads: set[str]) -> None:
    if heads - {bytes(seal.head).hex()}:
        raise Broken(f"Batch {seal.number} is not the one that was anchored: the chain was rewritten up to there.")


def _check_lines(seal: AuditSeal, dropped: dict[str, int]) -> tuple[int, datetime]:
    """Count the lines of the batch, each of which is as it was sealed, and find the oldest one's time."""
    oldest = seal.up_to_at
    if seal.kind == AuditSeal.Kind.RETENTION:
        return 0, oldest

    def lines() -> Iterator[StoredLine]:
        nonlocal oldest
        for line in read_lines(seal.after_id, seal.up_to_id):
            oldest = min(oldest, line.at)
            yield line

    digests, _, count = digest_lines(lines())
    found = {part.month: part for part in digests.parts()}
    sealed = {part.month: part for part in seal.month_parts() if dropped.get(part.month, 0) < seal.number}
    for month in sorted(found | sealed):
        if found.get(month) != sealed.get(month):
            raise Broken(_sentence(seal, month, sealed.get(month), found.get(month)))
    return count, oldest


def _sentence(seal: AuditSeal, month: str, sealed: Part | None, found: Part | None) -> str:
    had, has = (part.lines if part else 0 for part in (sealed, found))
    if has < had:
        what = f"{had - has} of its {had} lines of {month} were deleted"
    elif has > had:
        what = f"{has - had} lines of {month} were inserted beside the {had} that were sealed"
    else:
        what = f"at least one of its {had} lines of {month} was changed"
    first = seal.after_id + 1 if seal.after_id else "the first"
    when = f"{seal.sealed_at:%Y-%m-%d %H:%M} UTC"
    return f"Batch {seal.number} is broken (lines {first} to {seal.up_to_id}, sealed {when}): {what}."

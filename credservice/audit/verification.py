"""Is the trail what was sealed: each line hashed anew, each head, signature and anchor checked; constant memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from credservice.audit.anchoring import Anchor
from credservice.audit.canonical import Part
from credservice.audit.lines import read_lines
from credservice.audit.models import AuditSeal
from credservice.audit.proof import fault_of
from credservice.audit.sealing import BEHIND, GENESIS, digest_lines, oldest_unsealed

PAGE = 500  # seals


class Broken(Exception):
    """The chain or the trail is not what was sealed. Its text says where and how."""


@dataclass
class Report:
    """What held: the batches and lines checked, and since when lines wait to be sealed."""

    batches: int = 0
    lines: int = 0
    up_to_id: int = 0
    head: str = ""
    dropped: list[str] = field(default_factory=list)
    unsealed_since: datetime | None = None

    @property
    def is_overdue(self) -> bool:
        return self.unsealed_since is not None and self.unsealed_since < timezone.now() - BEHIND


def verify(anchors: Iterable[Anchor] = (), progress: Callable[[Report], None] = lambda _: None) -> Report:
    """Check everything from the first batch on. Raises :class:`Broken` at the first that does not hold."""
    expected = {anchor.number: anchor.head for anchor in anchors}
    dropped = _dropped_months()
    report, before = Report(dropped=sorted(dropped)), None
    for seal in _seals():
        _check_link(seal, before)
        _check_anchor(seal, expected.pop(seal.number, None))
        report.lines += _check_lines(seal, dropped)
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


def _seals() -> Iterator[AuditSeal]:
    """All of them, in order, by pages."""
    last = -(2**63)
    while page := list(AuditSeal.objects.filter(number__gt=last).order_by("number")[:PAGE]):
        yield from page
        last = page[-1].number


def _dropped_months() -> dict[str, int]:
    """The months that were dropped, and by which link, of links that are ours; their place is checked in the chain."""
    links = AuditSeal.objects.filter(kind=AuditSeal.Kind.RETENTION)
    ours = [link for link in links if link.computed_head() == bytes(link.head) and not fault_of(link)]
    return {part.month: link.number for link in ours for part in link.month_parts()}


def _check_link(seal: AuditSeal, before: AuditSeal | None) -> None:
    number, previous, after_id = (before.number + 1, bytes(before.head), before.up_to_id) if before else (1, GENESIS, 0)
    if seal.number != number:
        raise Broken(f"Batch {number} is missing from the chain: the next one there is batch {seal.number}.")
    if bytes(seal.previous) != previous or seal.after_id != after_id:
        raise Broken(f"Batch {number} does not follow on the one before: one of the two was replaced.")
    if seal.computed_head() != bytes(seal.head):
        raise Broken(f"Batch {number} was changed: its head is not that of what it says.")
    fault = fault_of(seal)
    if fault:
        raise Broken(f"Batch {number} was not sealed by this service: {fault}.")


def _check_anchor(seal: AuditSeal, head: str | None) -> None:
    if head is not None and head != bytes(seal.head).hex():
        raise Broken(f"Batch {seal.number} is not the one that was anchored: the chain was rewritten up to there.")


def _check_lines(seal: AuditSeal, dropped: dict[str, int]) -> int:
    """How many lines of the batch are there, each as it was sealed."""
    if seal.kind == AuditSeal.Kind.RETENTION:
        return 0
    digests, _, count = digest_lines(read_lines(seal.after_id, seal.up_to_id))
    found = {part.month: part for part in digests.parts()}
    sealed = {part.month: part for part in seal.month_parts() if dropped.get(part.month, 0) < seal.number}
    for month in sorted(found | sealed):
        if found.get(month) != sealed.get(month):
            raise Broken(_sentence(seal, month, sealed.get(month), found.get(month)))
    return count


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

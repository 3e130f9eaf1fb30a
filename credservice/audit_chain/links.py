"""Checks the chain link by link: each follows on the one before, is what its head says, and was made by us."""

from collections.abc import Iterator

from credservice.audit.models import AuditSeal
from credservice.audit_chain.signatures import fault_of

PAGE = 500  # seals
GENESIS = bytes(32)


class Broken(Exception):
    """The chain or the trail is not what was sealed. Its text says where and how."""


def last_seal() -> AuditSeal | None:
    return AuditSeal.objects.order_by("-number").first()


def seals_from(number: int = -(2**63)) -> Iterator[AuditSeal]:
    """All from that number on, in order, by pages."""
    while page := list(AuditSeal.objects.filter(number__gte=number).order_by("number")[:PAGE]):
        yield from page
        number = page[-1].number + 1


def check_follows(seal: AuditSeal, before: AuditSeal | None) -> None:
    """Raise :class:`Broken` where ``seal`` is not the next one after ``before``; None: where it is not the first."""
    number, previous, after_id = (before.number + 1, bytes(before.head), before.up_to_id) if before else (1, GENESIS, 0)
    if seal.number != number:
        raise Broken(f"Batch {number} is missing from the chain: the next one there is batch {seal.number}.")
    if bytes(seal.previous) != previous or seal.after_id != after_id:
        raise Broken(f"Batch {number} does not follow on the one before: one of the two was replaced.")


def check_itself(seal: AuditSeal) -> None:
    """Raise :class:`Broken` where the link is not what its head says, or its head is not proven to be ours."""
    if seal.computed_head() != bytes(seal.head):
        raise Broken(f"Batch {seal.number} was changed: its head is not that of what it says.")
    fault = fault_of(seal)
    if fault:
        raise Broken(f"Batch {seal.number} was not sealed by this service: {fault}.")

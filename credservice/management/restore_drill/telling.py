"""Tells what the backup lacks, from the lines of the trail that were written after it, or by how many there are."""

from collections.abc import Iterable
from typing import Any

from credservice.adminkit.links import names_of
from credservice.adminkit.sentences import find_names, object_key, plain_sentence
from credservice.audit.models import AuditEvent
from credservice.audit_chain.anchors import Anchor
from credservice.management.restore_drill.copy import End, Tell
from credservice.management.restore_drill.since import CHANGED, ENDED, ISSUED, Since, thing_of

_SHOWN = 20
# Rows of these may be made without a line about them, such as accounts by an invitation.
_MADE_UNTOLD = ("resource", "resource_credential", "user")


def tell_lines(lines: Iterable[AuditEvent], end: End, issuers: dict[str, str], tell: Tell, *, every: bool) -> None:
    """Tell what was issued, by issuer, and what was ended and changed: ``every`` one, or the first of them."""
    # Lines after the last seal may have appeared in any order.
    known = set(AuditEvent.objects.filter(pk__gt=end.sealed_line).values_list("pk", flat=True))
    since = Since((line for line in lines if line.pk not in known), issuers)
    ended, changed = (_of_the_copy(since.lines[what]) for what in (ENDED, CHANGED))
    more = {ISSUED: 0, ENDED: len(set(map(thing_of, ended)))}
    for what, found in since.counts().items():
        by = [f"{count:,} by {issuer}" for issuer, count in sorted(found.items())]
        by += [f"{more[what]:,} other thing{'' if more[what] == 1 else 's'}"] if more[what] else []
        tell(f"{what.capitalize()} since: {', '.join(by) or 'none'}.")
    shown = None if every else _SHOWN
    _tell_ids("Known outside and not to the backup", since.known_outside(), shown, tell)
    _tell_ids("Ended outside, and good for the backup", since.revoked_outside(), shown, tell)
    _tell_ids("Revoked here, and good for the backup", since.revoked_here(), shown, tell)
    _tell_ids("Replaced, with an overlap, and without an end for the backup", list(since.retiring), shown, tell)
    _tell_sentences("Ended or tightened, and as before for the backup", ended, shown, tell)
    _tell_sentences("Changed, and as before for the backup", changed, shown, tell)


def _of_the_copy(lines: list[AuditEvent]) -> list[AuditEvent]:
    """Leave out what the copy does not know, of kinds whose making may have no line."""
    names = names_of({object_key(line) for line in lines if line.object_type in _MADE_UNTOLD})
    return [line for line in lines if line.object_type not in _MADE_UNTOLD or object_key(line) in names]


def _tell_ids(what: str, ids: list[str], shown: int | None, tell: Tell) -> None:
    if ids:
        tell(f"{what}: {', '.join(ids[:shown])}{_and_more(ids, shown)}.")


def _tell_sentences(what: str, lines: list[AuditEvent], shown: int | None, tell: Tell) -> None:
    """Tell the lines by kind, each as the trail's page says it, with the names that the copy knows."""
    if not lines:
        return
    tell(f"{what}:")
    for kind in sorted({line.object_type for line in lines}):
        of_kind = [line for line in lines if line.object_type == kind]
        find_names(of_kind[:shown])
        for line in of_kind[:shown]:
            tell(f"  line {line.pk}: {plain_sentence(line)}")
        if more := _and_more(of_kind, shown):
            tell(f" {more} about {kind.replace('_', ' ')}.")


def _and_more(found: list[Any], shown: int | None) -> str:
    return f" and {len(found) - shown:,} more (--all)" if shown is not None and len(found) > shown else ""


def tell_gap(end: End, anchors: list[Anchor], tell: Tell) -> None:
    """Tell from the newest head how much the backup lacks, where nobody can say what."""
    newest = max((anchor for anchor in anchors if anchor.up_to_line), key=lambda anchor: anchor.number, default=None)
    if newest is None or newest.up_to_line is None or newest.up_to_line <= end.line:
        tell("Nothing tells what was issued and ended since: give --trail, what export_audit wrote elsewhere.")
        return
    tell(
        f"The newest head from outside is of line {newest.up_to_line}: {newest.up_to_line - end.line:,} lines are not "
        "in the backup. --trail, what export_audit wrote elsewhere, tells what they issued and ended."
    )

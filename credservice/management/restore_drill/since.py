"""Says what was made and ended after the backup, by the lines of the trail that it lacks.

A restored service would not know what was issued meanwhile, and would hand out what was revoked.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from django.core.exceptions import ImproperlyConfigured

from credservice.audit.models import AuditEvent
from credservice.audit_chain.anchors import Anchor
from credservice.credentials.models import CredentialPolicy
from credservice.issuers import get_issuer
from credservice.management.restore_drill import Unusable
from credservice.management.restore_drill.copy import End, Tell

ISSUED, ENDED = "issued", "ended"
ACTIONS = {"credential.issued": ISSUED, "credential.revoked": ENDED, "credential.expired": ENDED}
_SHOWN = 20
_PAGE = 5_000
_IN_PRODUCTION = """
SELECT id, action, object_id, detail->>'policy' FROM audit_auditevent WHERE id > %s AND action = ANY(%s) ORDER BY id
"""


class Step(NamedTuple):
    """A line about a credential that was made or ended."""

    line: int
    action: str
    credential: str
    policy: str


def in_production(production: psycopg.Connection[Any], end: End) -> Iterator[Step]:
    """Read them in production's own trail."""
    with production.cursor(name="since") as cursor:
        cursor.itersize = _PAGE
        for row in cursor.execute(_IN_PRODUCTION, [end.sealed_line, list(ACTIONS)]):
            yield Step(*row)


def in_export(trail: Path, end: End) -> Iterator[Step]:
    """Read them in what export_audit wrote as NDJSON. Raises :class:`Unusable`."""
    try:
        with trail.open(encoding="utf-8") as file:
            for text in file:
                found = json.loads(text)
                if found["id"] > end.sealed_line and found["action"] in ACTIONS:
                    yield Step(found["id"], found["action"], found["object_id"], found["detail"].get("policy", ""))
    except OSError as error:
        raise Unusable(f"{trail}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unusable(f"{trail} is not what export_audit writes: give its NDJSON.") from None


def issuers_of(production: psycopg.Connection[Any] | None) -> dict[str, str]:
    """Find the issuer of each policy: as the copy knows it, and policies that were made since."""
    found: dict[str, str] = {}
    if production is not None:
        found = dict(production.execute("SELECT name, issuer FROM credentials_credentialpolicy").fetchall())
    return found | dict(CredentialPolicy.objects.values_list("name", "issuer"))


def tell_steps(steps: Iterable[Step], end: End, issuers: dict[str, str], tell: Tell) -> None:
    """Tell how many were issued and ended, by issuer, and which of them outside of the service."""
    # Lines after the last seal may have appeared in any order.
    known = set(AuditEvent.objects.filter(pk__gt=end.sealed_line).values_list("pk", flat=True))
    counts: dict[str, Counter[str]] = {ISSUED: Counter(), ENDED: Counter()}
    outside: dict[str, list[str]] = {ISSUED: [], ENDED: []}
    for step in steps:
        if step.line in known:
            continue
        what, issuer = ACTIONS[step.action], issuers.get(step.policy, f"policy {step.policy}")
        counts[what][issuer] += 1
        if not _is_local(issuer):
            outside[what].append(step.credential)
    for what, found in counts.items():
        by = ", ".join(f"{count:,} by {issuer}" for issuer, count in sorted(found.items()))
        tell(f"{what.capitalize()} since: {by or 'none'}.")
    _tell_outside("Known outside and not to the backup", outside[ISSUED], tell)
    _tell_outside("Ended outside, and good for the backup", outside[ENDED], tell)


def _tell_outside(what: str, credentials: list[str], tell: Tell) -> None:
    if credentials:
        more = f" and {len(credentials) - _SHOWN:,} more" if len(credentials) > _SHOWN else ""
        tell(f"{what}: {', '.join(credentials[:_SHOWN])}{more}.")


def _is_local(issuer: str) -> bool:
    try:
        return get_issuer(issuer).local
    except ImproperlyConfigured:
        return False


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

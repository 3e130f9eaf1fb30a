"""Says what was made, ended and changed after the backup, by the lines of the trail that it lacks.

A restored service would not know what was issued meanwhile, and would honour again what was ended.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql
from psycopg.rows import dict_row

from credservice.adminkit.sentences import find_names, plain_sentence
from credservice.audit.models import AuditEvent
from credservice.audit_chain.anchors import Anchor
from credservice.credentials.models import CredentialPolicy
from credservice.issuers import get_issuer
from credservice.keys.models import SigningSecret
from credservice.management.restore_drill import Unusable
from credservice.management.restore_drill.copy import End, Tell

ISSUED, ENDED, CHANGED = "issued", "ended", "changed"
# Credentials are counted by issuer, and named by their ids.
CREDENTIALS = {
    "credential.issued": ISSUED,
    "credential.revoking": ENDED,
    "credential.revoked": ENDED,
    "credential.expired": ENDED,
}
# Of anything else the last word of an action says that it was there, or may do no more what it could before ...
MADE = ("added", "created", "first_seen", "joined", "made")
ENDS = (
    *("declined", "deleted", "denied", "deprovisioned", "deprovisioning", "disabled", "ended", "rebound", "refused"),
    *("retired", "revoked", "suspended", "taken", "withdrawn"),
)
SWITCHED_OFF = ("denied", "disabled", "refused", "suspended")
BACK = ("allowed", "approved", "enabled", "resumed")
# ... and of some the whole of it.
ALSO_ENDS = (
    *("approval.used", "credential.leak_noted", "credential.leak_reported", "encryption_key.rotated"),
    *("sso.ended_by_marketplace", "user.password_changed", "user.recovery_code_used", "user.recovery_codes_made"),
    *("user.second_factor_removed", "user.second_factor_reset", "user.sessions_ended"),
)
# Kinds of work, which may do nothing by themselves.
_NO_POWER = ("bulk_run", "callback", "credential_rotation", "operation")
_SHOWN = 20
_PAGE = 5_000
_COLUMNS = ("id", "action", "outcome", "reason", "actor", "object_type", "object_id", "subject", "detail")
_IN_PRODUCTION = sql.SQL("SELECT {} FROM audit_auditevent WHERE id > %s AND outcome = 'done' ORDER BY id").format(
    sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
)


def in_production(production: psycopg.Connection[Any], end: End) -> Iterator[AuditEvent]:
    """Read the lines in production's own trail, of what was done."""
    with production.cursor(name="since", row_factory=dict_row) as cursor:
        cursor.itersize = _PAGE
        for row in cursor.execute(_IN_PRODUCTION, [end.sealed_line]):
            yield AuditEvent(**row)


def in_export(trail: Path, end: End) -> Iterator[AuditEvent]:
    """Read them in what export_audit wrote as NDJSON. Raises :class:`Unusable`."""
    try:
        with trail.open(encoding="utf-8") as file:
            for text in file:
                found = AuditEvent(**{name: value for name, value in json.loads(text).items() if name in _COLUMNS})
                if found.pk > end.sealed_line and found.outcome == AuditEvent.Outcome.DONE:
                    found.detail.items()  # or it is no line
                    yield found
    except OSError as error:
        raise Unusable(f"{trail}: {error.strerror}.") from None
    except (ValueError, TypeError, AttributeError):
        raise Unusable(f"{trail} is not what export_audit writes: give its NDJSON.") from None


def issuers_of(production: psycopg.Connection[Any] | None) -> dict[str, str]:
    """Find the issuer of each policy: as the copy knows it, and policies that were made since."""
    found: dict[str, str] = {}
    if production is not None:
        found = dict(production.execute("SELECT name, issuer FROM credentials_credentialpolicy").fetchall())
    return found | dict(CredentialPolicy.objects.values_list("name", "issuer"))


class Since:
    """Sorts the lines: credentials by issuer, and the lines about anything else that was ended or changed."""

    def __init__(self, lines: Iterable[AuditEvent], issuers: dict[str, str]) -> None:
        self.counts: dict[str, Counter[str]] = {ISSUED: Counter(), ENDED: Counter()}
        self.outside: dict[str, list[str]] = {ISSUED: [], ENDED: []}
        self.here: list[str] = []  # revoked, of an issuer that keeps nothing outside
        self.lines: dict[str, list[AuditEvent]] = {ENDED: [], CHANGED: []}
        self._made: set[tuple[str, str]] = set()
        self._back: dict[tuple[str, str], int] = {}
        self._ended: set[str] = set()
        self._issuers = issuers
        for line in lines:
            if line.action in CREDENTIALS:
                self._add_credential(line)
            elif line.object_type not in _NO_POWER:
                self._add(line)
        self.lines[ENDED] = [line for line in self.lines[ENDED] if not self._is_back(line)]

    def _add_credential(self, line: AuditEvent) -> None:
        what, policy = CREDENTIALS[line.action], line.detail.get("policy", "")
        if what == ENDED and line.object_id in self._ended:
            return
        issuer = self._issuers.get(policy, f"policy {policy}")
        self.counts[what][issuer] += 1
        if what == ENDED:
            self._ended.add(line.object_id)
        if not _is_local(issuer):
            self.outside[what].append(line.object_id)
        elif line.action == "credential.revoked":
            self.here.append(line.object_id)

    def _add(self, line: AuditEvent) -> None:
        thing, verb = _thing(line), line.action.rpartition(".")[2]
        if verb in BACK:
            self._back[thing] = line.pk
        elif thing in self._made:
            return  # the backup does not know it
        elif _ends(line, verb):
            self.lines[ENDED].append(line)
        elif verb == "changed":
            self.lines[CHANGED].append(line)
        if verb in MADE:
            self._made.add(thing)

    def _is_back(self, line: AuditEvent) -> bool:
        return line.action.endswith(SWITCHED_OFF) and self._back.get(_thing(line), 0) > line.pk


def _thing(line: AuditEvent) -> tuple[str, str]:
    return line.object_type, line.object_id


def _ends(line: AuditEvent, verb: str) -> bool:
    # A new one ends the one before it, of which no line of its own needs to tell. Those that had leaked have one each.
    if line.action == "signing_secret.created":
        kept = SigningSecret.objects.filter(secret_set__pk=line.detail.get("set"))
        return not line.detail.get("leaked") and kept.exists()
    if line.action == "broker_password.created":
        return "one_before_ends_at" in line.detail
    if line.action == "signing_secret.erased":
        return bool(line.detail.get("why") == "leaked")
    if line.action == "user.roles_set":
        return _takes_away(line.detail)
    if verb == "changed":
        return _ends_by_change(line)
    return verb in ENDS or line.action in ALSO_ENDS


def _ends_by_change(line: AuditEvent) -> bool:
    """Tell if a change takes something away: it is switched off, has an end now, or lost some of what it had."""
    changes = line.detail.get("changes", {})
    if not changes and line.object_type == "trusted_key":
        return True  # the line does not say what: its end, mostly
    told = changes.items() if isinstance(changes, dict) else ()
    return any(name in ("ends_at", "expires_at") or _takes_away(change) for name, change in told)


def _takes_away(change: Any) -> bool:
    before, now = (change.get("from"), change.get("to")) if isinstance(change, dict) else (None, None)
    if isinstance(before, list) and isinstance(now, list):
        return any(each not in now for each in before)
    return now is False or now in SWITCHED_OFF


def tell_lines(lines: Iterable[AuditEvent], end: End, issuers: dict[str, str], tell: Tell, *, every: bool) -> None:
    """Tell what was issued, by issuer, and what was ended and changed: ``every`` one, or the first of them."""
    # Lines after the last seal may have appeared in any order.
    known = set(AuditEvent.objects.filter(pk__gt=end.sealed_line).values_list("pk", flat=True))
    since = Since((line for line in lines if line.pk not in known), issuers)
    more = {ISSUED: 0, ENDED: len(set(map(_thing, since.lines[ENDED])))}
    for what, found in since.counts.items():
        by = [f"{count:,} by {issuer}" for issuer, count in sorted(found.items())]
        by += [f"{more[what]:,} other thing{'' if more[what] == 1 else 's'}"] if more[what] else []
        tell(f"{what.capitalize()} since: {', '.join(by) or 'none'}.")
    shown = None if every else _SHOWN
    _tell_ids("Known outside and not to the backup", since.outside[ISSUED], shown, tell)
    _tell_ids("Ended outside, and good for the backup", since.outside[ENDED], shown, tell)
    _tell_ids("Revoked here, and good for the backup", since.here, shown, tell)
    _tell_sentences("Ended, and good for the backup", since.lines[ENDED], shown, tell)
    _tell_sentences("Changed, and as before for the backup", since.lines[CHANGED], shown, tell)


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

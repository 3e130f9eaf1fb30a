"""Sorts the lines of the trail that the backup lacks: what was issued, ended and changed after it.

A restored service would not know what was issued meanwhile, and would honour again what was ended.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from credservice.audit.models import AuditEvent
from credservice.issuers import get_issuer
from credservice.keys.models import SigningKey, SigningSecret

ISSUED, ENDED, CHANGED = "issued", "ended", "changed"
# Credentials are counted by issuer, and named by their ids.
RETIRING = "credential.retiring"
CREDENTIALS = ("credential.issued", "credential.expired", "credential.revoked", "credential.revoking", RETIRING)
# Of anything else the last word of an action says that it was there, or may do no more what it could before ...
MADE = ("added", "asked", "created", "first_seen", "joined", "made")
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
    *("user.second_factor_added", "user.second_factor_removed", "user.second_factor_reset", "user.sessions_ended"),
)
ALSO_CHANGES = ("grant.renewed", "resource.plan_changed")
# A new one ends the one before it, of which no line of its own needs to tell.
REPLACES = ("broker_password.created", "signing_key.activated", "signing_secret.created")
# What is switched on to let fewer in; anything else lets in fewer when it is switched off.
STRICTER = ("bulk_revoke", "require_signature", "reveal", "single_use_signatures")
# Kinds of work, which may do nothing by themselves.
NO_POWER = ("bulk_run", "callback", "credential_rotation", "operation")


class Since:
    """Sorts the lines: ids of credentials with their issuers, and the lines about anything else."""

    def __init__(self, lines: Iterable[AuditEvent], issuers: dict[str, str]) -> None:
        self.issued: dict[str, str] = {}
        self.retiring: dict[str, str] = {}
        self.revoked: dict[str, str] = {}
        self.lines: dict[str, list[AuditEvent]] = {ENDED: [], CHANGED: []}
        self._gone: set[str] = set()
        self._made: set[tuple[str, str]] = set()
        self._back: dict[tuple[str, str], int] = {}
        self._issuers = issuers
        for line in lines:
            if line.action in CREDENTIALS:
                self._add_credential(line)
            elif line.object_type not in NO_POWER:
                self._add(line)
        self.lines[ENDED] = [line for line in self.lines[ENDED] if not self._is_back(line)]

    def counts(self) -> dict[str, Counter[str]]:
        """Count the credentials by issuer."""
        return {ISSUED: Counter(self.issued.values()), ENDED: Counter((self.retiring | self.revoked).values())}

    def known_outside(self) -> list[str]:
        """List credentials that were issued, and not ended, by an issuer that keeps them outside."""
        return [key for key in _outside(self.issued) if key not in self._gone]

    def revoked_outside(self) -> list[str]:
        return _outside(self.revoked)

    def revoked_here(self) -> list[str]:
        """List revoked credentials of an issuer that keeps nothing outside."""
        outside = set(self.revoked_outside())
        return [key for key in self.revoked if key not in outside]

    def _add_credential(self, line: AuditEvent) -> None:
        key, policy = line.object_id, str(line.detail.get("policy", ""))
        issuer = self._issuers.get(policy, f"policy {policy}")
        if line.action == "credential.issued":
            self.issued[key] = issuer
            self._made.add(thing_of(line))
        elif key in self.issued:  # the backup does not know it
            if line.action in ("credential.expired", "credential.revoked") and _is_gone(line, issuer):
                self._gone.add(key)
        elif line.action == RETIRING:
            self.retiring[key] = issuer
        else:
            self.retiring.pop(key, None)
            if line.action != "credential.expired":  # by an expiry that the backup knows as well
                self.revoked[key] = issuer

    def _add(self, line: AuditEvent) -> None:
        thing, verb = thing_of(line), line.action.rpartition(".")[2]
        if line.action in REPLACES:
            self._add_replaced(line)
        elif verb in BACK or _is_switched(line, on=True):
            self._back[thing] = line.pk
        elif thing in self._made:
            return  # the backup does not know it
        elif _ends(line, verb):
            self.lines[ENDED].append(line)
        elif verb == "changed" or line.action in ALSO_CHANGES:
            self.lines[CHANGED].append(line)
        if verb in MADE:
            self._made.add(thing)

    def _add_replaced(self, line: AuditEvent) -> None:
        """Add the first new one in its place; the next one replaces what the backup does not know."""
        place = line.action, str(line.detail.get("set") or line.detail.get("algorithm") or line.subject)
        if place not in self._made and _replaces(line):
            self.lines[ENDED].append(line)
        self._made.add(place)

    def _is_back(self, line: AuditEvent) -> bool:
        is_off = line.action.endswith(SWITCHED_OFF) or _is_switched(line, on=False)
        return is_off and self._back.get(thing_of(line), 0) > line.pk


def thing_of(line: AuditEvent) -> tuple[str, str]:
    return line.object_type, line.object_id


def _is_switched(line: AuditEvent, *, on: bool) -> bool:
    """Tell if all that a line changes is that something is let in, or no more: by the vendor API or a set-up file."""
    changes = line.detail.get("changes") if line.action.endswith(".changed") else None
    if not isinstance(changes, dict) or [*changes] != ["is_active"] or line.object_type == "user":
        return False
    change = changes["is_active"]
    return isinstance(change, dict) and change.get("to") is on


def _replaces(line: AuditEvent) -> bool:
    """Tell if the copy has what it replaces, which has no line of its own: those that had leaked have one each."""
    if line.action == "broker_password.created":
        return "one_before_ends_at" in line.detail
    if line.action == "signing_key.activated":
        signing = SigningKey.objects.filter(state=SigningKey.State.CURRENT).values_list("algorithm", "kid")
        return str(line.detail.get("algorithm")) in {name for name, kid in signing if kid != line.detail.get("kid")}
    sets = SigningSecret.objects.values_list("secret_set", flat=True).distinct()
    return not line.detail.get("leaked") and line.detail.get("set") in map(str, sets)


def _ends(line: AuditEvent, verb: str) -> bool:
    if line.action == "signing_secret.erased":
        return bool(line.detail.get("why") == "leaked")
    if line.action == "user.roles_set":
        return _takes_away(line.detail)
    if verb == "changed":
        return _ends_by_change(line)
    return verb in ENDS or line.action in ALSO_ENDS


def _ends_by_change(line: AuditEvent) -> bool:
    """Tell if a change takes something away: it is switched off, has an end now, or lost some of what it had."""
    changes = line.detail.get("changes")
    if not isinstance(changes, dict) or not changes:
        return line.object_type == "trusted_key"  # the line does not say what: its end, mostly
    ends = ("ends_at", "expires_at", *(["password"] if line.object_type == "user" else []))
    return any(name in ends or _takes_away(change, switched=name in STRICTER) for name, change in changes.items())


def _takes_away(change: Any, *, switched: bool = False) -> bool:
    """Tell if there is less of it now, or a switch is where it lets fewer in, which is on where ``switched``."""
    before, now = (change.get("from"), change.get("to")) if isinstance(change, dict) else (None, None)
    if isinstance(before, list) and isinstance(now, list):
        return any(each not in now for each in before)
    return now is switched or now in SWITCHED_OFF


def _outside(credentials: dict[str, str]) -> list[str]:
    local = {issuer: _is_local(issuer) for issuer in set(credentials.values())}
    return [key for key, issuer in credentials.items() if not local[issuer]]


def _is_local(issuer: str) -> bool:
    try:
        return get_issuer(issuer).local
    except ImproperlyConfigured:
        return False


def _is_gone(line: AuditEvent, issuer: str) -> bool:
    """Tell if its issuer has ended it outside, too: not by force, nor where it cannot."""
    try:
        return get_issuer(issuer).can_revoke and not line.detail.get("forced")
    except ImproperlyConfigured:
        return False

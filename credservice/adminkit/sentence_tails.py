"""Writes what a line of the audit log tells beside its act: how many, in place of what, and the reason given."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.utils.html import format_html

from credservice.adminkit.links import may_be_told_of, thing_link
from credservice.audit.models import AuditEvent
from credservice.core.names import printable

MAX_WHY = 160
MAX_FIELDS = 5
# What an account's fields say, where they are switched off and on.
_SWITCHED = {
    "is_active": ("no longer active", "active again"),
    "is_superuser": ("no longer superuser", "now superuser"),
}
_ACCOUNT_FIELDS = {"email": "e-mail address"}
# Lines whose facts are of another kind of object than they name.
FACTS_OF = {"vendor_api.call": "service_token"}
Detail = dict[str, Any]


def kind_of_facts(action: str, object_type: str) -> str:
    """Name the kind of object that a line's facts are of."""
    return FACTS_OF.get(action, object_type)


def facts_are_told(event: AuditEvent) -> bool:
    """Tell if whoever is answered may look at what the line's facts are of."""
    return may_be_told_of(kind_of_facts(event.action, event.object_type))


def things_of(event: AuditEvent) -> list[str]:
    """List what a line names beside its object and subject, as ``credential:...``."""
    replaced = event.detail.get("replaces")
    return [f"credential:{replaced}"] if replaced and event.action == "credential.issued" else []


def was_leaked(event: AuditEvent) -> bool:
    """Tell if what the line is about had leaked."""
    if not facts_are_told(event):
        return False
    by_erasure = event.action.endswith(".erased") and event.detail.get("why") == "leaked"
    return by_erasure or (event.object_type == "credential" and event.detail.get("leaked") is True)


def why_of(event: AuditEvent, *, whole: bool = False) -> str:
    """Find the reason: of a person who typed it, or of the service, which knows a cause. In a sentence, cut short.

    It is a fact of the object, and told as the others are.
    """
    if not facts_are_told(event):
        return ""
    detail, values = event.detail, event.detail.get("values")
    why = detail.get("why") or detail.get("answer") or (isinstance(values, dict) and values.get("why")) or ""
    why = detail.get("broken") or why
    if not isinstance(why, str) or (why == "leaked" and was_leaked(event)):
        return ""
    why = printable(" ".join(why.split()))
    return why if whole or len(why) <= MAX_WHY else f"{why[: MAX_WHY - 1]}…"


def tail_of(event: AuditEvent, names: dict[str, str]) -> Any:
    """Write what follows the act in its sentence."""
    if not facts_are_told(event):
        return ""
    replaced = "".join(things_of(event))
    if replaced:
        name = names.get(replaced, "").removesuffix(f" for {names.get(event.subject)}")
        leaked = "leaked " if event.detail.get("replaces_leaked") else ""
        return format_html(", which replaced the {}credential {}", leaked, thing_link(replaced, {replaced: name}))
    if event.action.endswith(".changed") or event.action == "user.roles_set":
        return _changed(event)
    tell = _TAILS.get(event.action)
    return tell(event.detail) if tell else ""


def _changed(event: AuditEvent) -> str:
    """Tell what changed: of an account in words, of anything else by the names of its fields."""
    detail = event.detail
    if event.action == "user.roles_set":
        return _colon(_roles(detail))
    changes = detail.get("changes", {})
    if event.object_type == "user":
        return _colon(_of_an_account(changes))
    names = [_field(str(name), changes) for name in changes or detail.get("fields", ())]
    more = f" and {len(names) - MAX_FIELDS} more" if len(names) > MAX_FIELDS else ""
    return f" ({', '.join(names[:MAX_FIELDS])}{more})" if names else ""


def _field(name: str, changes: Detail) -> str:
    """Name a field that changed; of one that lets something in or not, say which."""
    change = changes.get(name)
    if isinstance(change, dict) and "to" in change:
        if name == "is_active":
            return "resumed" if change["to"] else "suspended"
        if name == "state":
            return printable(f"now {change['to']}")
    return printable(name.replace("_", " "))


def first_roles(event: AuditEvent) -> str:
    """Tell which roles somebody got by a provider's groups who had none; empty of any other line."""
    detail, roles = event.detail, sorted(event.detail.get("to") or ())
    if event.action != "user.roles_set" or detail.get("from") or not roles or not facts_are_told(event):
        return ""
    return f"got the role{'s' if len(roles) > 1 else ''} {' and '.join(roles)} by the groups at the provider"


def _of_an_account(changes: Detail) -> Iterator[str]:
    for name, change in changes.items():
        if name == "groups":
            yield from _roles(change)
        elif name in _SWITCHED and "to" in change:
            yield _SWITCHED[name][bool(change["to"])]
        else:
            yield f"{_ACCOUNT_FIELDS.get(name, name.replace('_', ' '))} changed"


def _roles(change: Detail) -> Iterator[str]:
    before, now = set(change.get("from") or ()), set(change.get("to") or ())
    for word, roles in (("added", now - before), ("removed", before - now)):
        if roles:
            yield f"role{'s' if len(roles) > 1 else ''} {' and '.join(sorted(roles))} {word}"


def _colon(parts: Iterable[str]) -> str:
    told = ", ".join(parts)
    return f": {told}" if told else ""


def _ends(detail: Detail) -> str:
    ends = str(detail.get("one_before_ends_at", ""))
    return f"; the one before is good until {ends[:16].replace('T', ' ')} UTC" if ends else ""


def _leaked_before(detail: Detail) -> str:
    leaked = detail.get("leaked")
    one = isinstance(leaked, list) and len(leaked) == 1
    return f"; the {'one' if one else 'ones'} before ended at once, as leaked" if leaked else ""


def _progress(detail: Detail) -> str:
    counts = ((detail.get(name), name) for name in ("done", "refused", "left"))
    told = [f"{count:,} {name}" for count, name in counts if isinstance(count, int) and (count or name == "done")]
    return f" ({', '.join(told)})" if told else ""


def _imported(detail: Detail) -> str:
    made = [_number(detail.get("end_users"), "new end user"), _number(detail.get("grants"), "grant")]
    first, last = detail.get("first_line"), detail.get("last_line")
    rows = f" in rows {first} to {last}" if first is not None and first != last else ""
    return f": {' and '.join(part for part in made if part)}{rows}" if any(made) else ""


def _applied(detail: Detail) -> str:
    counts = ((detail.get(name), name) for name in ("created", "changed"))
    told = [f"{count} {name}" for count, name in counts if isinstance(count, int)]
    return f" ({', '.join(told)})" if told else ""


def _number(count: object, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}" if isinstance(count, int) else ""


def _told(name: str, before: str) -> Callable[[Detail], str]:
    return lambda detail: f"{before}{detail[name]}" if detail.get(name) else ""


_TAILS: dict[str, Callable[[Detail], str]] = {
    "approval.used": _told("approved_by", ", given by "),
    "broker_password.created": _ends,
    "bulk_run.done": _progress,
    "bulk_run.stopped": _progress,
    "end_user.suspended": _told("platform", " at "),
    "end_user.resumed": _told("platform", " at "),
    "credential.copied": _told("value", ": "),
    "credential.revealed": lambda detail: " once more" if detail.get("repeated") else "",
    "credential.revoked": lambda detail: " by force" if detail.get("forced") else "",
    "credential.expired": lambda detail: ", by force" if detail.get("forced") else "",
    "exchange.credential": lambda detail: ", by a call that this service simulated" if detail.get("simulated") else "",
    "import.committed": _imported,
    "setup.applied": _applied,
    "signing_key.created": _leaked_before,
    "signing_secret.created": _leaked_before,
    "usage.reported": lambda detail: (
        f" ({detail['recorded']:,} new)" if isinstance(detail.get("recorded"), int) else ""
    ),
}

"""Tells since when something is suspended, by whom and why, as far as the audit log knows."""

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from credservice.adminkit.links import link_to, may_be_told_of, may_view
from credservice.adminkit.sentence_tails import why_of
from credservice.adminkit.sentences import actor_name
from credservice.audit.models import AuditEvent

SUSPENDED = "suspended"
LOOKED_AT = 200  # lines of it, the newest: while it is suspended, few are written
_VERBS = (SUSPENDED, "resumed", "approved", "changed")


def suspended_since(request: HttpRequest, thing: str) -> SafeString | str:
    """Write since when ``end_user:...``, which is suspended, is so, by whom and why, with a link to the line.

    Empty where the audit log does not tell, or the reader may not look at it or at the object.
    """
    kind, _, key = thing.partition(":")
    line = _line(kind, key) if may_view(request, AuditEvent) and may_be_told_of(kind) else None
    if line is None:
        return ""
    at, why = link_to(line, f"{line.at:%Y-%m-%d %H:%M} UTC"), why_of(line)
    return format_html("since {} by {}{}", at, actor_name(line.actor), f": {why}" if why else "")


def _line(kind: str, key: str) -> AuditEvent | None:
    """Find the line that suspended it: the newest one that says anything of its state, if it says so."""
    newest = AuditEvent.objects.filter(object_id=key).order_by("-id").values("id")[:LOOKED_AT]
    actions = [f"{kind}.{verb}" for verb in _VERBS]
    lines = AuditEvent.objects.filter(id__in=newest, action__in=actions, outcome="done").order_by("-id")
    told = next((line for line in lines if _suspends(line) is not None), None)
    return told if told is not None and _suspends(told) else None


def _suspends(line: AuditEvent) -> bool | None:
    """Tell if the line suspended its object, or ended that; None where it says nothing of its state."""
    verb = line.action.rpartition(".")[2]
    if verb != "changed":
        return verb == SUSPENDED
    changes = line.detail.get("changes", {})  # by a set-up file
    if "is_active" in changes:
        return changes["is_active"].get("to") is False
    return changes["state"].get("to") == SUSPENDED if "state" in changes else None

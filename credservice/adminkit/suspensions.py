"""Tells when something was suspended or refused, by whom and why, as far as the audit log knows."""

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from credservice.adminkit.links import link_to, may_be_told_of, may_view
from credservice.adminkit.sentence_tails import why_of
from credservice.adminkit.sentences import actor_name
from credservice.audit.models import AuditEvent

SUSPENDED, REFUSED = "suspended", "refused"
LOOKED_AT = 200  # lines of it, the newest: while it is suspended, few are written
_VERBS = (SUSPENDED, REFUSED, "resumed", "approved", "changed")


def suspended_since(request: HttpRequest, thing: str) -> SafeString | str:
    """Write since when ``end_user:...``, which is suspended, is so, as :func:`when_and_why` does."""
    told = when_and_why(request, thing, SUSPENDED)
    return format_html("since {}", told) if told else ""


def when_and_why(request: HttpRequest, thing: str, state: str) -> SafeString | str:
    """Write when ``installation:...`` came into ``state``, by whom and why, with a link to the line.

    Empty where the audit log does not tell, or the reader may not look at it or at the object.
    """
    kind, _, key = thing.partition(":")
    line = _line(kind, key, state) if may_view(request, AuditEvent) and may_be_told_of(kind) else None
    if line is None:
        return ""
    at, why = link_to(line, f"{line.at:%Y-%m-%d %H:%M} UTC"), why_of(line)
    return format_html("{} by {}{}", at, actor_name(line.actor), f": {why}" if why else "")


def _line(kind: str, key: str, state: str) -> AuditEvent | None:
    """Find the line that brought it into ``state``: the newest one that says anything of its state, if it says so."""
    newest = AuditEvent.objects.filter(object_id=key).order_by("-id").values("id")[:LOOKED_AT]
    actions = [f"{kind}.{verb}" for verb in _VERBS]
    lines = AuditEvent.objects.filter(id__in=newest, action__in=actions, outcome="done").order_by("-id")
    told = next((line for line in lines if _state_after(line) is not None), None)
    return told if told is not None and _state_after(told) == state else None


def _state_after(line: AuditEvent) -> str | None:
    """Tell what the line made of its object: in one word, where it suspended or refused it. None: nothing."""
    verb = line.action.rpartition(".")[2]
    if verb != "changed":
        return verb
    changes = line.detail.get("changes", {})  # by a set-up file
    if "is_active" in changes:
        return SUSPENDED if changes["is_active"].get("to") is False else "resumed"
    return str(changes["state"].get("to")) if "state" in changes else None

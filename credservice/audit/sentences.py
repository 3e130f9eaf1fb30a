"""A line of the trail as a sentence: who did what to which object, for whom; parts that have a page are links."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from credservice.audit.models import AuditEvent
from credservice.console.links import named_link, short, subject_link

# Of actions that are named by what was asked, not by what was done.
_DONE = {
    "exchange.credential": "fetched",
    "installation.first_seen": "was first to name",
    "live_key.first_seen": "was first to use",
    "credential.handed_out": "fetched again",
    "user.signed_in": "signed in as",
    "user.signed_out": "signed out as",
    "user.password_changed": "changed the password of",
    "user.second_factor_added": "added a second factor to",
    "user.second_factor_removed": "removed a second factor of",
    "user.second_factor_reset": "reset the second factor of",
    "user.recovery_codes_made": "made recovery codes for",
    "user.recovery_code_used": "used a recovery code of",
    "user.second_factor_used": "used a second factor of",
    "user.sessions_ended": "ended the other sessions of",
    "credential.retiring": "began to retire",
    "credential_rotation.asked": "asked for",
    "credential_rotation.asked_again": "asked again for",
    "resource.plan_changed": "changed the plan of",
    "end_user.token_minted": "minted a browser's token for",
    "end_user.creation_settled": "settled the creation of",
    "approval.asked": "asked for",
    "audit.verified": "verified the trail",
    "audit.exported": "exported lines of the trail",
    "audit.month_dropped": "dropped by retention",
    "setup.applied": "applied the",
    "import.committed": "imported rows from",
    "data.exported": "exported",
    "usage.reported": "reported usage of",
}
_ASKED = {
    "exchange.credential": "to fetch a credential",
    "user.sign_in": "to sign in",
    "user.password_check": "to confirm with a password",
    "vendor_api.call": "to call the vendor API",
    "console.page": "to open a page",
    "callback.attempt": "to deliver",
}
# Kinds of objects that read otherwise than they are recorded; of some, the name says it all.
_KINDS = {"setup_file": "set-up file ", "import": "", "export": "", "group": "role ", "four_eyes": "second person "}
# The partners' ids that a refused request named; they may be anything.
CLAIMED = ("end_user", "installation")
MAX_CLAIMED = 24


def sentence(event: AuditEvent, names: dict[str, str] | None = None) -> SafeString:
    """``names`` are those of subjects, where they were looked up for a whole page."""
    actor = event.actor.replace(":", " ", 1)
    whom = subject_link(event.subject, names) if event.subject and not _is_itself(event) else ""
    tail = format_html(" for {}", whom) if whom else ""
    if event.outcome in (AuditEvent.Outcome.REFUSED, AuditEvent.Outcome.FAILED):
        return format_html("{} {} {} {}{}{}", actor, *_refused(event), tail, _why(event))
    return format_html("{} {} {}{}", actor, _done(event.action), object_of(event), tail)


def object_of(event: AuditEvent) -> Any:
    """The object's page; of what was refused before a row was found, what it claimed to be for."""
    if event.object_id:
        kind = _KINDS.get(event.object_type, f"{event.object_type.replace('_', ' ')} ")
        return named_link(event.object_type, event.object_id, kind + short(event.object_id))
    claimed = [str(event.detail[name])[:MAX_CLAIMED] for name in CLAIMED if event.detail.get(name)]
    return " / ".join(claimed) or event.object_type.replace("_", " ")


def _done(action: str) -> str:
    return _DONE.get(action) or action.rpartition(".")[2].replace("_", " ")


def _refused(event: AuditEvent) -> tuple[str, str, Any]:
    asked = _ASKED.get(event.action) or event.action.replace(".", ": ").replace("_", " ")
    verb = "was refused" if event.outcome == AuditEvent.Outcome.REFUSED else "failed:"
    return verb, asked, object_of(event)


def _why(event: AuditEvent) -> str:
    return f" ({event.reason.replace('_', ' ')})" if event.reason else ""


def _is_itself(event: AuditEvent) -> bool:
    return event.subject == f"{event.object_type}:{event.object_id}"

"""Writes a line of the audit log as a sentence: who did what to which object, for whom, with links to their pages."""

from collections.abc import Sequence
from html import unescape
from typing import Any

from django.conf import settings
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString

from credservice.adminkit.links import named_link, names_of, short, thing_link
from credservice.audit.models import AuditEvent

# Of actions that are named by what was asked, not by what was done.
_DONE = {
    "exchange.credential": "fetched",
    "installation.first_seen": "was first to name",
    "live_key.first_seen": "was first to use",
    "credential.handed_out": "fetched",
    "credential.end_confirmed": "confirmed the end of",
    "credential.erased": "erased the values of",
    "user.password_changed": "changed the password of",
    "user.second_factor_added": "added a second factor to",
    "user.second_factor_removed": "removed a second factor of",
    "user.second_factor_reset": "reset the second factor of",
    "invitation.made": "invited somebody by",
    "invitation.taken": "made an account by",
    "credential.retiring": "began to retire",
    "resource_credential.due_for_rotation": "left to the platform the rotation of",
    "credential_rotation.asked": "asked for",
    "credential_rotation.asked_again": "asked again for",
    "resource.plan_changed": "changed the plan of",
    "end_user.token_minted": "minted a browser's token for",
    "end_user.rebound": "re-bound",
    "end_user.creation_settled": "settled the creation of",
    "approval.asked": "asked for",
    "audit.verified": "verified the trail",
    "audit.sealing_refused": "refused to seal the trail",
    "audit.chain_accepted": "accepted the trail's chain as it is",
    "audit.exported": "exported lines of the trail",
    "audit.month_dropped": "dropped by retention",
    "setup.applied": "applied the",
    "import.committed": "imported rows from",
    "data.exported": "exported",
    "usage.reported": "reported usage of",
}
# What people do to their own accounts: their name says whose.
_OWN = {
    "user.signed_in": "signed in",
    "user.joined": "signed in for the first time, by a provider",
    "user.roles_set": "got other roles by the groups at the provider",
    "user.confirmed": "confirmed at the provider",
    "user.signed_out": "signed out",
    "user.password_changed": "changed the own password",
    "user.second_factor_added": "added a second factor",
    "user.second_factor_removed": "removed a second factor",
    "user.recovery_codes_made": "made recovery codes",
    "user.recovery_code_used": "used a recovery code",
    "user.second_factor_used": "used a second factor",
    "user.sessions_ended": "ended the other sessions",
}
UNPROVEN = "unproven:"  # the actor of a call that only claims to be a platform's
_ASKED = {
    "exchange.credential": "to fetch a credential",
    "user.sign_in": "to sign in",
    "user.password_check": "to confirm with a password",
    "invitation.open": "to open an",
    "vendor_api.call": "to call the vendor API",
    "console.page": "to open a page",
    "callback.attempt": "to deliver",
}
# Kinds of objects that read otherwise than they are recorded; of some, the name says it all.
_KINDS = {
    "setup_file": "set-up file ",
    "broker_password": "platform password ",
    "import": "",
    "export": "",
    "group": "role ",
    "four_eyes": "",
}
# The partners' ids that a refused request named; they may be anything.
CLAIMED = ("end_user", "installation")
MAX_CLAIMED = 24


def find_names(events: Sequence[Any]) -> None:
    """Look up, for all lines of a page at once, the names of what they are about and of whose it is."""
    names = names_of({thing for event in events for thing in (_object_of(event), event.subject) if thing})
    for event in events:
        event.names = names


def names_in(event: Any) -> dict[str, str]:
    """Find the names that a line needs: looked up for its whole page (:func:`find_names`), or alone."""
    if not hasattr(event, "names"):
        find_names([event])
    names: dict[str, str] = event.names
    return names


def sentence(event: AuditEvent, *, with_subject: bool = True) -> SafeString:
    """Write one line; without ``with_subject`` on a page that is about the subject itself."""
    if event.actor.startswith(UNPROVEN) and event.outcome == AuditEvent.Outcome.REFUSED:
        return _claimed(event)
    if event.action == "user.sign_in" and event.reason == "no_role":
        return _turned_away(event)
    actor = actor_name(event.actor)
    whom = thing_link(event.subject, names_in(event)) if with_subject and _says_whose(event) else ""
    tail = format_html(" for {}", whom) if whom else ""
    if event.outcome in (AuditEvent.Outcome.REFUSED, AuditEvent.Outcome.FAILED):
        return format_html("{} {} {} {}{}{}", actor, *_refused(event), tail, _why(event))
    if event.action in _OWN and event.actor.startswith("user:"):
        return format_html("{} {}", actor, _OWN[event.action])
    done = format_html("{} {} {}{}", actor, _done(event.action), object_of(event), tail)
    ends = str(event.detail.get("one_before_ends_at", ""))  # of a password that took another one's place
    return format_html("{}; the one before is good until {} UTC", done, ends[:16].replace("T", " ")) if ends else done


def plain_sentence(event: AuditEvent) -> str:
    """Write the line without links: as a title."""
    return unescape(strip_tags(sentence(event)))


def actor_name(actor: str) -> str:
    """Name a person alone, anything else with its kind: ``ann``, ``platform mindcloud``, ``ann (command apply)``."""
    kind, _, name = actor.partition(":")
    if kind == "command" and ":" in name:
        command, _, account = name.partition(":")
        return f"{account} (command {command})"
    return name if kind == "user" else actor.replace(":", " ", 1)


def _claimed(event: AuditEvent) -> SafeString:
    """Write what nobody has proven to be: a platform's name is the caller's claim."""
    claimed, reason = event.actor.removeprefix(UNPROVEN), event.reason.replace("_", " ")
    return format_html("A call that claimed to be {} was refused: {}", claimed, reason or "no reason is known")


def _turned_away(event: AuditEvent) -> SafeString:
    """Write who came by a provider without a role; who has no account here is named as the provider says."""
    alias = str(event.detail.get("provider", ""))
    provider = settings.OIDC_PROVIDERS.get(alias, {}).get("name", alias)
    name = event.detail.get("name_by_provider") or event.detail.get("name") or actor_name(event.actor)
    return format_html("{} was refused by {}: none of their groups has a role", name, provider)


def object_of(event: AuditEvent) -> Any:
    """Link the object; of what was refused before a row was found, name what it claimed to be for."""
    if event.object_id:
        kind = _KINDS.get(event.object_type, f"{event.object_type.replace('_', ' ')} ")
        return named_link(event.object_type, event.object_id, kind + _name(event))
    names = CLAIMED[1:] if event.subject else CLAIMED  # whose it is stands behind it
    claimed = [str(event.detail[name])[:MAX_CLAIMED] for name in names if event.detail.get(name)]
    return " / ".join(claimed) or event.object_type.replace("_", " ")


def _done(action: str) -> str:
    return _DONE.get(action) or action.rpartition(".")[2].replace("_", " ")


def _refused(event: AuditEvent) -> tuple[str, str, Any]:
    asked = _ASKED.get(event.action) or event.action.replace(".", ": ").replace("_", " ")
    verb = "was refused" if event.outcome == AuditEvent.Outcome.REFUSED else "failed:"
    return verb, asked, object_of(event)


def _why(event: AuditEvent) -> str:
    return f" ({event.reason.replace('_', ' ')})" if event.reason else ""


def _object_of(event: AuditEvent) -> str:
    return f"{event.object_type}:{event.object_id}" if event.object_id else ""


def _name(event: AuditEvent) -> str:
    """Name the object as its page's title does, or by its id's first digits where it is no more.

    Without whose it is, where that ends the title: a credential's does, and so does the line.
    """
    names = names_in(event)
    name, whose = names.get(_object_of(event), short(event.object_id)), names.get(event.subject)
    return name.removesuffix(f" for {whose}").removesuffix(f" of {whose}") if whose else name


def _says_whose(event: AuditEvent) -> bool:
    """Tell if the line has to say whose the object is, which is not the subject itself and does not begin with it."""
    whose = names_in(event).get(event.subject)
    begins = whose and names_in(event).get(_object_of(event), "").startswith(f"{whose} ")
    return bool(event.subject) and event.subject != _object_of(event) and not begins

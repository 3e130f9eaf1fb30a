"""Writes a line of the audit log as a sentence: who did what to which object, for whom, and why, with links."""

import re
from collections.abc import Sequence
from html import unescape
from typing import Any

from django.conf import settings
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString

from credservice.adminkit import sentence_words as words
from credservice.adminkit.links import named_link, names_of, short, thing_link
from credservice.adminkit.sentence_tails import facts_are_told, first_roles, tail_of, things_of, was_leaked, why_of
from credservice.audit.models import AuditEvent

UNPROVEN = "unproven:"  # the actor of a call that only claims to be a platform's
# The partners' ids that a refused request named, and the name of no platform; they may be anything.
CLAIMED = {"platform": "platform", "end_user": "end user", "installation": "installation"}
MAX_CLAIMED = 40
FREELY_NAMED = ("installation", "credential")
_TIDY = re.compile(r"[\w.:-]+")


def find_names(events: Sequence[Any]) -> None:
    """Look up, for all lines of a page at once, the names of what they are about and of whose it is."""
    names = names_of(
        {thing for event in events for thing in (object_key(event), event.subject, *things_of(event)) if thing}
    )
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
    if event.action == "user.sign_in" and event.reason == "no_role":
        return _turned_away(event)
    if event.outcome == AuditEvent.Outcome.REFUSED and event.action not in words.FAILED:
        return format_html("{} was refused{}", _call(event, with_subject), _because(event))
    actor, it = _beginning(actor_name(event.actor)), _it(event, with_subject)
    if event.outcome in (AuditEvent.Outcome.REFUSED, AuditEvent.Outcome.FAILED):
        failed = words.FAILED.get(event.action) or f"failed at {_own_words(event.action)} {{it}}"
        return format_html("{} {}{}", actor, _phrase(failed, it), _because(event))
    if event.action in words.OWN and event.actor.startswith("user:") and _is_own(event):
        if first := first_roles(event):
            return format_html("{} {}", actor, first)
        return format_html("{} {}{}", actor, words.OWN[event.action], tail_of(event, names_in(event)))
    done = words.DONE.get(event.action) or f"{_own_words(event.action)} {{it}}"
    done = done if event.object_type else words.OF_SEVERAL.get(event.action, done)
    return format_html("{} {}{}{}", actor, _phrase(done, it), tail_of(event, names_in(event)), _colon(why_of(event)))


def plain_sentence(event: AuditEvent) -> str:
    """Write the line without links: as a title."""
    return unescape(strip_tags(sentence(event)))


def actor_name(actor: str) -> str:
    """Name a person alone, anything else with its kind: ``ann``, ``the platform p``, ``the command c, run by d``."""
    if actor in words.ACTORS:
        return words.ACTORS[actor]
    kind, _, name = actor.partition(":")
    if kind == "user":
        return name
    if kind == "unproven":
        return f"somebody who claimed to be {name}"
    first, _, last = name.partition(":")
    if kind == "command":
        return f"the command {first}, run by {last}" if last else f"the command {first}"
    if kind == "marketplace_user":
        return (
            f"an unknown user of the marketplace {first}" if last == "unknown" else f"{last} of the marketplace {first}"
        )
    return f"the {kind.replace('_', ' ')} {name}" if name else actor


def actor_parts(actor: str) -> tuple[str, str]:
    """Name an actor and its kind, for a table: ``ann`` and ``person``, ``p`` and ``platform``."""
    kind, _, name = actor.partition(":")
    told = actor_name(actor)
    if actor in words.ACTORS or not name:
        return told, "service"
    kind_words = kind.replace("_", " ")
    return told if kind == "user" else told.removeprefix(f"the {kind_words} "), words.ACTOR_KINDS.get(kind, kind_words)


def reason_words(reason: str) -> str:
    """Write why something was refused or failed in words."""
    return words.REASONS.get(reason) or reason.replace("_", " ")


def object_of(event: AuditEvent) -> Any:
    """Link the object, by its kind and name; of what was refused before a row was found, name what it claimed."""
    kind = words.KINDS.get(event.object_type, event.object_type.replace("_", " "))
    name = _name(event)
    if not name:
        return with_article(kind)
    name = f'"{name}"' if event.object_type in words.QUOTED and _is_known(event) else name
    text = f"{'the leaked ' if was_leaked(event) else ''}{kind} {name}".strip()
    return named_link(event.object_type, event.object_id, text) if _is_known(event) else text


def with_article(noun: str) -> str:
    """Write ``an end user``, ``a user``; of nothing, nothing."""
    vowel = noun[:1] in tuple("aeiou") and not noun.startswith(("us", "uni"))
    return f"{'an' if vowel else 'a'} {noun}" if noun else ""


def kind_words(object_type: str) -> str:
    """Name a kind of objects in a list, as sentences do."""
    words_of = words.KINDS.get(object_type, "")
    return words_of if words_of and not words_of.endswith(" of") else object_type.replace("_", " ")


def action_words(action: str) -> str:
    """Write what an action is, of no one object: ``revoked a credential``."""
    kind = action.partition(".")[0]
    it = with_article(kind_words(words.ACTS_ON.get(kind, kind)))
    if action in words.DONE or action not in words.ASKED | words.FAILED:
        return str(_phrase(words.DONE.get(action) or f"{_own_words(action)} {{it}}", it))
    asked = words.ASKED.get(action)
    if asked and asked.startswith("ask "):
        return str(_phrase(f"asked {asked.removeprefix('ask ')}", it))
    return str(_phrase(f"asked to {asked}" if asked else words.FAILED[action], it))


def object_key(event: AuditEvent) -> str:
    return f"{event.object_type}:{event.object_id}" if event.object_id else ""


def _call(event: AuditEvent, with_subject: bool) -> SafeString:
    """Name what was refused: whose call or attempt, and to do what. Of whom nobody has proven, it tells no customer."""
    if event.actor.startswith(UNPROVEN):  # a platform's name is the caller's claim
        return format_html("A call that claimed to be {}", event.actor.removeprefix(UNPROVEN))
    what = "attempt" if event.actor.startswith("user:") else "call"
    if event.actor in words.ACTORS:
        article = "An" if what == "attempt" else "A"
        return format_html("{} {} by {} to {}", article, what, words.ACTORS[event.actor], _asked(event, whom=""))
    names = names_in(event)
    is_told = with_subject and event.subject in names and _says_whose(event)
    asked = _asked(event, whom=thing_link(event.subject, names) if is_told else "")
    return format_html("{}'s {} to {}", _beginning(actor_name(event.actor)), what, asked)


def _asked(event: AuditEvent, *, whom: SafeString | str) -> SafeString:
    """Say what was asked for, and for whom: the customer that was found, and the partner's ids as they were sent."""
    verb = _own_words(event.action)
    asked = words.ASKED.get(event.action) or f"{words.METHODS.get(verb, verb)} {{it}}"
    named = ((name, _tidy(event.detail.get(key, ""))) for key, name in CLAIMED.items())
    claimed = ", ".join(f"{name} {text}" for name, text in named if text)
    ids = f" ({claimed})" if whom and claimed else claimed
    told = format_html(" for {}{}", whom, ids) if whom or ids else ""
    return format_html("{}{}", _phrase(asked, object_of(event)), told)


def _because(event: AuditEvent) -> str:
    scope = event.detail.get("scope", "") if facts_are_told(event) else ""
    told = [f"{reason_words(event.reason)} {scope}".strip(), why_of(event)]
    return _colon("; ".join(part for part in told if part))


def _colon(text: str) -> str:
    return f": {text}" if text else ""


def _turned_away(event: AuditEvent) -> SafeString:
    """Write who came by a provider without a role; who has no account here is named as the provider says."""
    alias = str(event.detail.get("provider", ""))
    provider = settings.OIDC_PROVIDERS.get(alias, {}).get("name", alias)
    said = event.detail.get("name_by_provider") or event.detail.get("name") if facts_are_told(event) else ""
    name = said or actor_name(event.actor)
    sentence = "{} was refused by {}: none of their groups has a role"
    return format_html(sentence, name if said else _beginning(name), provider)


def _it(event: AuditEvent, with_subject: bool) -> SafeString:
    whom = thing_link(event.subject, names_in(event)) if with_subject and _says_whose(event) else ""
    return format_html("{}{}", object_of(event), format_html(" for {}", whom) if whom else "")


def _phrase(phrase: str, it: object) -> SafeString:
    before, placed, after = phrase.partition("{it}")
    return format_html("{}{}{}", before, it if placed else "", after)


def _beginning(name: str) -> str:
    """Begin a sentence with it; a person's name stays as it is written."""
    name = f"{name}," if ", run by " in name else name
    return name[:1].upper() + name[1:] if name.startswith(("the ", "a ", "an ", "somebody ")) else name


def _own_words(action: str) -> str:
    return action.rpartition(".")[2].replace("_", " ")


def _name(event: AuditEvent) -> str:
    """Name the object as its page's title does, or as the line does where it is no more.

    Without whose it is, where that ends the title: a credential's does, and so does the line.
    """
    names, detail = names_in(event), event.detail
    if not _is_known(event):
        if event.outcome == AuditEvent.Outcome.REFUSED:
            return _tidy(event.object_id)
        if not facts_are_told(event):
            return short(event.object_id)
        told = detail.get("name") or detail.get("invited") or (event.object_id and short(event.object_id))
        return str(told or detail.get("external_id") or "").replace("_", " " if event.object_type == "export" else "_")
    name, whose = names[object_key(event)], names.get(event.subject)
    if event.object_type in words.QUOTED or not whose:
        return name
    return name.removesuffix(f" for {whose}").removesuffix(f" of {whose}")


def _tidy(claimed: object) -> str:
    """Show a partner's id as far as it is one: it may be anything, which the line's own page shows whole."""
    text = str(claimed)
    return text if len(text) <= MAX_CLAIMED and _TIDY.fullmatch(text) else ""


def _is_known(event: AuditEvent) -> bool:
    return object_key(event) in names_in(event)


def _is_own(event: AuditEvent) -> bool:
    """Tell if the line is about the account of whoever acts."""
    return names_in(event).get(object_key(event), "") in ("", event.actor.removeprefix("user:"))


def _says_whose(event: AuditEvent) -> bool:
    """Tell if the line has to say whose the object is: where it is not the subject itself, and its name does not say
    it. A partner chooses an installation's name, and a vendor a credential's: those say nothing of whose it is."""
    whose, name = names_in(event).get(event.subject), names_in(event).get(object_key(event), "")
    begins = event.object_type not in FREELY_NAMED and name.startswith((f"{whose} ", f"{whose}: "))
    says = whose and (begins or (event.object_type in words.QUOTED and whose in name))
    return bool(event.subject) and event.subject != object_key(event) and not says

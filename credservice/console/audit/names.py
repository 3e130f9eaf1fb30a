"""Finds actors and customers by what a person reads on the page, beside the form in which the audit log keeps them."""

import re
from collections.abc import Iterator
from functools import reduce
from operator import itemgetter, or_
from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from credservice.accounts.oidc.admission import CLAIMED_USER
from credservice.adminkit.links import may_be_told_of
from credservice.adminkit.model_admin import Others, by_first_digits
from credservice.adminkit.sentence_words import ACTOR_KINDS, ACTORS
from credservice.adminkit.sentences import actor_name
from credservice.audit.names import object_type_of
from credservice.console.audit.jumps import known, values_of
from credservice.credentials.hooks import subject_kinds

# Kinds of actors of which there are few, so that their names can be compared one by one.
_FEW = ("user", "platform", "marketplace", "token", "issuer", "command")
_KINDS = (*_FEW, "unproven")
_OF_MARKETPLACE = re.compile(r"(?P<name>.+) of the marketplace (?P<of>\S+)", re.IGNORECASE)
_COMMAND = re.compile(r"(?:the )?command (?P<name>\S+), run by (?P<by>\S+?),?", re.IGNORECASE)


def find_actors(term: str) -> list[str]:
    """Find the actors that are called so, with or without their kind; without regard to case where none is exactly."""
    if exact := known("actor", [term]):
        return exact
    if found := known("actor", list(dict.fromkeys(_stored(term)))):
        return found
    return [] if term.partition(":")[0] in _KINDS else _alike(term)  # as stored, it is exactly that one


def _stored(term: str) -> Iterator[str]:
    """List how the audit log may keep whom a page calls ``term``."""
    folded = _bare(term)
    yield from (actor for actor, name in ACTORS.items() if folded in (actor, _bare(name)))
    for kind in _KINDS:
        yield f"{kind}:{term}"
        for words in _words_of(kind):
            if folded.startswith(f"{words} "):
                yield f"{kind}:{term.strip()[-(len(folded) - len(words) - 1) :]}"
    if found := _OF_MARKETPLACE.fullmatch(term):
        name = "unknown" if found["name"].casefold() == "an unknown user" else found["name"]
        yield f"marketplace_user:{found['of']}:{name}"
    if found := _COMMAND.fullmatch(term):
        yield f"command:{found['name']}:{found['by']}"


def _alike(term: str) -> list[str]:
    """Compare with the names of all actors of the kinds of which there are few; of users, ask at each marketplace."""
    folded = _bare(term)
    few = [actor for kind in _FEW for actor in values_of("actor", f"{kind}:")]
    found = [actor for actor in few if folded in _called(actor)]
    if found:
        return found
    markets = [actor.partition(":")[2] for actor in few if actor.startswith("marketplace:")]
    return known("actor", [f"marketplace_user:{market}:{term}" for market in markets])


def _called(actor: str) -> set[str]:
    """List what an actor may be called: as sentences and tables call it, with each part of its name alone."""
    kind, _, name = actor.partition(":")
    parts = {name, name.partition(":")[0]}
    said = {f"{words} {part}" for words in _words_of(kind) for part in parts}
    return {_bare(text) for text in {actor, actor_name(actor), *parts, *said}}


def _words_of(kind: str) -> set[str]:
    words = {kind.replace("_", " "), ACTOR_KINDS.get(kind, "")} - {""}
    return {"somebody who claimed to be", *words} if kind == "unproven" else words


def _bare(text: str) -> str:
    """Leave out case, and the article with which a name begins in a sentence."""
    return re.sub(r"^(the|a|an) ", "", " ".join(text.split()).rstrip(",").casefold())


class Customers:
    """Finds whose lines are meant: by the stored form, or by a name or id that the customers' own lists find.

    ``found`` are stored forms. Where several match, ``namesakes`` has the stored form and a name of each instead.
    Of what the reader may not look at nothing is found by a name.
    """

    def __init__(self, request: HttpRequest, term: str) -> None:
        self.found: list[str] = []
        self.namesakes: list[tuple[str, str]] = []
        is_claim = term.startswith(CLAIMED_USER)
        if is_claim and not may_be_told_of("user"):
            return
        self.found = known("subject", [term])
        if self.found or is_claim:
            return
        begin = [hit for kind in _customers() for hit in _hits(request, *kind, term)]
        # Whose name or id it is as a whole, rather than whose begins so.
        hits = [hit for hit in begin if hit.is_whole] or begin
        if len(hits) == 1:
            self.found = [hits[0].subject]
        else:
            self.namesakes = sorted(((hit.subject, hit.name) for hit in hits), key=itemgetter(1))


class _Hit(NamedTuple):
    subject: str
    name: str
    is_whole: bool


def _customers() -> Iterator[tuple[str, Any]]:
    kinds = subject_kinds()
    for model, site_admin in admin.site._registry.items():
        if object_type_of(model) in kinds:
            yield object_type_of(model), site_admin


def _hits(request: HttpRequest, kind: str, site_admin: Any, term: str) -> Iterator[_Hit]:
    """Find by what the list of ``kind`` finds; ``term`` may be a name, an id, its first digits, or ``kind:id``."""
    if not site_admin.has_view_permission(request):
        return
    key = term.removeprefix(f"{kind}:")
    rows = site_admin.model._default_manager.select_related(*(site_admin.list_select_related or ()))
    wanted = Q(pk__in=Others(request, key).keys(site_admin.model))
    found = list(rows.filter(reduce(or_, by_first_digits(site_admin.model, key), wanted)).order_by("pk"))
    for row, title in zip(found, site_admin.titles_of(found), strict=True):
        ids = {str(getattr(row, name, "")) for name in ("pk", "external_id", "end_user_id", "partner_id")}
        apart = site_admin.tell_apart(row)
        name = f"{title} ({apart})" if apart else title
        yield _Hit(f"{kind}:{row.pk}", name, key in ids or key.casefold() == title.casefold())

"""Shows what belongs to an object on its page: a few rows of each kind, and the list of all of them.

Each room says what it knows of a model, its own or another room's: the kernel's credentials show the exchange's grants
without knowing of them. A card is read by an index and bounded; nobody sees one of a list that he may not see.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_url, may_view
from credservice.adminkit.moments import moment
from credservice.adminkit.sentences import find_names, sentence
from credservice.audit.models import AuditEvent

ROWS = 5
LINES = 8  # of the trail


@dataclass(frozen=True)
class Card:
    """A short table of ``rows``, each shown by ``cells``; ``link`` leads to the list of all of them.

    ``rows`` is asked only for whoever may see the list of its model.
    """

    title: str
    heads: Sequence[str]
    rows: QuerySet[Any]
    cells: Callable[[Any], Sequence[object]]
    link: str = ""
    empty: str = "None yet."
    prepare: Callable[[list[Any]], None] | None = None  # fetches for all rows at once what the cells show besides

    def lines(self) -> list[Sequence[object]]:
        rows = list(self.rows)
        if self.prepare is not None:
            self.prepare(rows)
        return [self.cells(row) for row in rows]


Cards = Callable[[Any], Iterator[Card]]
_registry: dict[type[Model], list[Cards]] = defaultdict(list)


def cards(model: type[Model]) -> Callable[[Cards], Cards]:
    """Register a function from an object of ``model`` to cards, in the order in which the rooms are loaded."""

    def register(function: Cards) -> Cards:
        _registry[model].append(function)
        return function

    return register


def cards_of(request: HttpRequest, obj: Model) -> list[Card]:
    """Collect the cards of lists that this user may see; the audit log last."""
    found = [card for function in _registry[type(obj)] for card in function(obj) if may_view(request, card.rows.model)]
    return sorted(found, key=lambda card: card.rows.model is AuditEvent)


def trail(title: str = "Trail", **where: str) -> Card:
    """Show the newest lines of one object (``object_id``) or subject (``subject``)."""
    events = AuditEvent.objects.filter(**where).order_by("-id")[:LINES]
    heads = ("When", "What happened", "Outcome")
    link = list_url(AuditEvent, **where)
    return Card(title, heads, events, _line, link, "Nothing is recorded yet.", _with_names(where.get("subject", "")))


def trail_with_parts(obj: Any) -> Card:
    """Show the newest lines of an object and of what belongs to it, whose lines name it as their ``subject``."""
    own, parts = AuditEvent.objects.filter(object_id=str(obj.pk)), AuditEvent.objects.filter(subject=obj.subject)
    return replace(trail(subject=obj.subject), rows=_newest(own, parts), link=list_url(AuditEvent, q=str(obj.pk)))


def trail_of_several(ids: Sequence[str]) -> Card:
    """Show the newest lines of several objects together, such as a platform and its signing secrets."""
    return replace(
        trail(object_id=",".join(ids)), rows=_newest(*(AuditEvent.objects.filter(object_id=key) for key in ids))
    )


def _newest(*parts: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """Read each part by its own index: one condition for all could be answered by reading the log to its end."""
    first, *others = (part.order_by("-id")[:LINES] for part in parts)
    return first.union(*others).order_by("-id")[:LINES] if others else first


def _with_names(own: str) -> Callable[[list[Any]], None]:
    """Look up the names in the lines; of the page's ``own`` subject, nothing need be said."""

    def prepare(events: list[Any]) -> None:
        find_names(events)
        for event in events:
            event.is_own = bool(own) and event.subject == own

    return prepare


def _line(event: Any) -> Sequence[object]:
    text = sentence(event, with_subject=not event.is_own)
    return link_to(event, moment(event.at)), text, label(event.outcome)

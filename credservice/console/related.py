"""What belongs to an object, on its page: a few rows of each kind, and the list of all of them.

Each room says what it knows of a model, its own or another room's: the kernel's credentials show the exchange's grants
without knowing of them. A card is read by an index and bounded; nobody sees one of a list that he may not see.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from credservice.audit.models import AuditEvent
from credservice.console.labels import label
from credservice.console.links import link_to

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

    def lines(self) -> list[Sequence[object]]:
        return [self.cells(row) for row in self.rows]


Cards = Callable[[Any], Iterator[Card]]
_registry: dict[type[Model], list[Cards]] = defaultdict(list)


def cards(model: type[Model]) -> Callable[[Cards], Cards]:
    """Register a function from an object of ``model`` to cards, in the order in which the rooms are loaded."""

    def register(function: Cards) -> Cards:
        _registry[model].append(function)
        return function

    return register


def cards_of(request: HttpRequest, obj: Model) -> list[Card]:
    """Those of lists that this user may see; the trail last."""
    found = [card for function in _registry[type(obj)] for card in function(obj) if may_view(request, card.rows.model)]
    return sorted(found, key=lambda card: card.rows.model is AuditEvent)


def list_of(model: type[Model], **filters: Any) -> str:
    """The address of a model's list, filtered."""
    return f"{reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_changelist')}?{urlencode(filters)}"


def trail(title: str = "Trail", **where: str) -> Card:
    """The newest lines of one object (``object_id``) or subject (``subject``)."""
    events = AuditEvent.objects.filter(**where).order_by("-id")[:LINES]
    heads = ("Time (UTC)", "Action", "Outcome", "Reason", "Actor")
    return Card(title, heads, events, _line, list_of(AuditEvent, **where), "No line yet.")


def _line(event: AuditEvent) -> Sequence[object]:
    return link_to(event, minute(event.at)), event.action, label(event.outcome), event.reason, event.actor


def minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "-"


def may_view(request: HttpRequest, model: type[Model]) -> bool:
    site_admin: Any = admin.site._registry.get(model)
    return site_admin is not None and bool(site_admin.has_view_or_change_permission(request))

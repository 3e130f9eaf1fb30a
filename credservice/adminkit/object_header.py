"""Puts on top of an object's page what an operator wants to know of it, and one thing to do before others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.enums import ActionVariant

from credservice.adminkit.labels import active_state

Links = list[dict[str, Any]]


class Fact(NamedTuple):
    """One of the two or three facts that matter; ``value`` may be a link, a label or a moment."""

    name: str
    value: object


@dataclass(frozen=True)
class Header:
    """The top of an object's page. ``dangerous`` stand apart in the menu of what else can be done."""

    title: str
    state: object
    facts: Sequence[Fact]
    id: object
    cards_first: bool
    primary: dict[str, Any] | None = None
    others: Links = field(default_factory=list)
    dangerous: Links = field(default_factory=list)


class ObjectHeader(ModelAdmin):
    """``cards_first``: what belongs to the object stands before its own fields, which are looked at seldom."""

    cards_first: bool = False

    def object_title(self, obj: Any) -> str:
        """Name it as a person would say it: in its page's title and heading, in breadcrumbs, in search results."""
        return str(obj)

    def titles_of(self, rows: list[Any]) -> list[str]:
        return [self.object_title(row) for row in rows]

    def object_state(self, obj: Any) -> object:
        """Show its state as the list does; empty where it has none."""
        if hasattr(self, "shown_state"):
            return self.shown_state(obj)
        return active_state(obj) if hasattr(obj, "is_active") else ""

    def facts(self, request: HttpRequest, obj: Any) -> list[Fact]:
        """List the two or three facts that matter."""
        return []

    def header_of(self, request: HttpRequest, obj: Any, links: Links) -> Header:
        # What brings it back comes before what else is done with it: to approve or to resume it, say.
        ranks = (ActionVariant.SUCCESS, ActionVariant.PRIMARY)
        first = next((link for rank in ranks for link in links if link.get("variant") is rank), None)
        rest = [link for link in links if link is not first]
        return Header(
            self.object_title(obj),
            self.object_state(obj),
            self.facts(request, obj),
            obj.pk,
            self.cards_first,
            first,
            [link for link in rest if link.get("variant") is not ActionVariant.DANGER],
            [link for link in rest if link.get("variant") is ActionVariant.DANGER],
        )

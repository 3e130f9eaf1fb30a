"""Registers what each room has to export to other systems, and reads it page by page: all but secrets.

A page begins behind the last id of the one before. So a row that is there all the time comes exactly once, whatever is
added or removed meanwhile; memory is a page's.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from rest_framework.utils.encoders import JSONEncoder

from credservice.core.exceptions import Invalid

PAGE = 500
Rows = Callable[[], QuerySet[Any]]
Show = Callable[[Sequence[Any]], Sequence[dict[str, Any]]]


@dataclass(frozen=True)
class Kind:
    """Objects of one kind: where they are, and how a page of them looks; as in the vendor API, without values."""

    name: str
    rows: Rows
    show: Show


_kinds: dict[str, Kind] = {}


def register_export(name: str, rows: Rows, show: Show) -> None:
    """Have ``name`` exported. For AppConfig.ready; ``rows`` have a UUID for a key."""
    _kinds[name] = Kind(name, rows, show)


def kinds() -> list[str]:
    return sorted(_kinds)


def read_kind(name: str, *, after: UUID | None = None, limit: int | None = None) -> Iterator[str]:
    """Read the objects of a kind by ascending id, a line of NDJSON each: ``{"kind": name, "id": ...}``."""
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        found: list[Model] = list(_page(_kinds[name].rows(), after)[:size])
        for shown in _kinds[name].show(found):
            yield _line({"kind": name, **shown})
        if len(found) < size:
            return
        after, left = found[-1].pk, None if left is None else left - size


def check_kinds(names: Sequence[str]) -> list[str]:
    """Return ``names``, or all that there are. Raises :class:`Invalid` for one that is none."""
    for name in names:
        if name not in _kinds:
            raise Invalid(f"There is no kind {name!r}. There are: {', '.join(kinds())}.")
    return list(names) or kinds()


def _page(rows: QuerySet[Any], after: UUID | None) -> QuerySet[Any]:
    return (rows.filter(pk__gt=after) if after else rows).order_by("pk")


def _line(shown: dict[str, Any]) -> str:
    return json.dumps(shown, ensure_ascii=False, cls=JSONEncoder) + "\n"

"""Tells our own ids from those of partners and vendors, and finds rows by either."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def as_uuid(text: str) -> UUID | None:
    """Read the id that ``text`` writes in its usual form of 36 characters; None where it is none."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def find_ours(rows: QuerySet[M], text: str) -> M | None:
    """Find the row with our id ``text``."""
    key = as_uuid(text)
    return rows.filter(pk=key).first() if key else None


def find_theirs_or_ours(rows: QuerySet[M], field: str, text: str) -> list[M]:
    """Find rows by a partner's or vendor's id in ``field``, or else by ours. At most two: enough to see ambiguity."""
    theirs = list(rows.filter(**{field: text})[:2])
    ours = None if theirs else find_ours(rows, text)
    return theirs if ours is None else [ours]

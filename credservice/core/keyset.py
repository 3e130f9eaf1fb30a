"""Cuts a list into pages by keyset: each begins behind the last row of the one before.

Nothing is counted or skipped by OFFSET, so the millionth row costs as much as the first, and what is added or removed
meanwhile moves no row to another page. An order is a tuple of names of columns (``pk`` is one) that ends in a unique
one, the newest first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Model, Q

Order = tuple[str, ...]


def behind(order: Order, values: Sequence[Any], *, backwards: bool = False) -> Q:
    """Select the rows after the one that has these values in the columns of ``order``, or the rows before it.

    An index range is made of the bound on the first column, which is therefore said on its own once more.
    """
    sign = "gt" if backwards else "lt"
    condition, equal = Q(), Q()
    for name, value in zip(order, values, strict=True):
        condition |= equal & Q(**{f"{name}__{sign}": value})
        equal &= Q(**{name: value})
    return Q(**{f"{order[0]}__{sign}e": values[0]}) & condition


def write_place(row: Model, order: Order) -> list[str]:
    """Write the values of a row in the columns of ``order``, as texts for a cursor."""
    values = (getattr(row, name) for name in order)
    return [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]


def read_place(texts: Sequence[str], model: type[Model], order: Order) -> tuple[Any, ...]:
    """Read what :func:`write_place` wrote. Raises Django's ValidationError, or ValueError, for other texts."""
    return tuple(_field(model, name).to_python(text) for name, text in zip(order, texts, strict=True))


def _field(model: type[Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)

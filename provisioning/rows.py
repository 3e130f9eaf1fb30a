"""Model instances out of hand-written queries, for paths where building the query by ORM costs more than running it."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class Columns(Generic[M]):
    """All columns of a model under a table alias, and the instance in their part of a row."""

    def __init__(self, model: type[M], alias: str) -> None:
        fields = model._meta.concrete_fields
        self._model = model
        self._names = [field.attname for field in fields]
        self._converters = [
            (i, field.from_db_value) for i, field in enumerate(fields) if hasattr(field, "from_db_value")
        ]
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in fields)

    def __len__(self) -> int:
        return len(self._names)

    def read(self, columns: Sequence[Any]) -> M | None:
        """The instance; ``None`` where an outer join found no row."""
        if columns[0] is None:
            return None
        values = list(columns)
        for i, convert in self._converters:
            values[i] = convert(values[i], None, connection)
        return self._model.from_db("default", self._names, values)


def split(row: Sequence[Any], *parts: Columns[Any]) -> list[Any]:
    """What each part reads from its columns of ``row``, in order."""
    found, start = [], 0
    for part in parts:
        found.append(part.read(row[start : start + len(part)]))
        start += len(part)
    return found

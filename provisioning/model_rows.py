"""Makes model instances of hand-written queries' rows, where building the query by ORM costs more than running it."""

from collections.abc import Collection, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class Columns(Generic[M]):
    """Names columns of a model under a table alias, and reads the instance from their part of a row.

    All of them, or ``only`` some, the key first: the others are read where somebody asks for one.
    """

    def __init__(self, model: type[M], alias: str, only: Collection[str] = ()) -> None:
        fields = [field for field in model._meta.concrete_fields if not only or field.attname in only]
        self._model = model
        self._names = [field.attname for field in fields]
        self._converters = [
            (i, field.from_db_value) for i, field in enumerate(fields) if hasattr(field, "from_db_value")
        ]
        # The fields read JSON themselves, from its text.
        self.sql = ", ".join(
            f'{alias}."{field.column}"' + ("::text" if isinstance(field, models.JSONField) else "") for field in fields
        )

    def __len__(self) -> int:
        return len(self._names)

    def read(self, columns: Sequence[Any]) -> M | None:
        """Make the instance; ``None`` where an outer join found no row."""
        if columns[0] is None:
            return None
        values = list(columns)
        for i, convert in self._converters:
            values[i] = convert(values[i], None, connection)
        return self._model.from_db("default", self._names, values)


def read_row(row: Sequence[Any], *parts: Columns[Any]) -> list[Any]:
    """Have each part read its columns of ``row``, in order; the columns that are left follow as they are."""
    found, start = [], 0
    for part in parts:
        found.append(part.read(row[start : start + len(part)]))
        start += len(part)
    return [*found, *row[start:]]

"""New rows by COPY: several times faster than INSERT, for a thousand of them and more."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.db import connection, models

Columns = list[Callable[[models.Model], Any]]
# Of these the driver writes the attribute as it is. Django's own preparing of each value takes as long as all the rest.
_PLAIN = (models.UUIDField, models.CharField, models.BooleanField, models.DateTimeField, models.IntegerField)


def copy_rows(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model, in the caller's transaction. As ``bulk_create``: neither save() nor signals.

    Raises django.db.IntegrityError as any INSERT does.
    """
    if not rows:
        return
    statement, columns = _table(type(rows[0]))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([column(row) for column in columns])


@lru_cache
def _table(model: type[models.Model]) -> tuple[str, Columns]:
    fields = model._meta.concrete_fields
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    return f"COPY {model._meta.db_table} ({names}) FROM STDIN", [_column(field) for field in fields]


def _column(field: "models.Field[Any, Any]") -> Callable[[models.Model], Any]:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    stamped = getattr(field, "auto_now_add", False) or getattr(field, "auto_now", False)
    if isinstance(target, _PLAIN) and not stamped:
        return attrgetter(field.attname)

    def prepared(row: models.Model) -> Any:
        return field.get_db_prep_save(field.pre_save(row, True), connection)

    return prepared

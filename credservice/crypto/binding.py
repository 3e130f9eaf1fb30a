"""Seals anew what is bound to its row alone, as an earlier version left it: each value to whose it is, by its place.

Online and resumable: a batch is a small transaction, and both forms are readable all the while, where the settings
accept the earlier one. Not by processes of that earlier version, though, which are to have ended before. A row that
somebody has locked is left for the next turn.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models, transaction

from credservice.crypto import SealError, seal, store, unseal
from credservice.crypto.fields import SealedField
from credservice.crypto.inspection import is_unbound, sealed_columns, sealed_rows

BATCH = 500


@dataclass
class Bound:
    """Counts of what was sealed anew; ``failed`` says what does not open, and stays as it is."""

    values: int = 0
    failed: list[str] = field(default_factory=list)


def bind_all() -> Iterator[Bound]:
    """Bind every value whose place says more than its row. Yields the growing counts after each batch.

    From its beginning on, all processes seal the new form.
    """
    store.current_key(store.BOUND)
    done = Bound()
    for model, column in sealed_columns():
        if column.bound_to:
            for _ in _batches(model, column, done):
                yield done


def _batches(model: type[models.Model], column: SealedField, done: Bound) -> Iterator[None]:
    rows, last = sealed_rows(model, column), None
    while True:
        with transaction.atomic():
            # Skipping what is locked, it waits for nobody: so it can be in no circle of those who wait for each other.
            free = rows.select_for_update(of=("self",), skip_locked=True, no_key=True)
            batch = list((free if last is None else free.filter(pk__lt=last))[:BATCH])
            _bind(model, column, batch, done)
        if not batch:
            return
        last = batch[-1][1]
        yield


def _bind(model: type[models.Model], column: SealedField, batch: list[tuple[Any, ...]], done: Bound) -> None:
    new: list[tuple[Any, bytes]] = []
    for blob, pk, *decided_by in batch:
        sealed, place = bytes(blob), column.place(pk, *decided_by)
        try:
            if is_unbound(sealed, place):
                new.append((pk, seal(unseal(sealed, place.of_its_row_alone()), place)))
        except SealError as error:
            done.failed.append(str(error))
    if new:
        with connection.cursor() as cursor:
            cursor.execute(_update(model, column), [[pk for pk, _ in new], [sealed for _, sealed in new]])
    done.values += len(new)


def _update(model: type[models.Model], column: SealedField) -> str:
    name = connection.ops.quote_name
    table, sealed, pk = name(model._meta.db_table), name(str(column.column)), name(str(model._meta.pk.column))
    return (
        f"UPDATE {table} SET {sealed} = new.sealed FROM unnest(%s::uuid[], %s::bytea[]) AS new(pk, sealed) "  # noqa: S608
        f"WHERE {table}.{pk} = new.pk"
    )

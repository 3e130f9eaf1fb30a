"""Opens what is sealed, all of it or a sample, to know that it can be opened."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models

from credservice.crypto import Place, SealError, store, unseal
from credservice.crypto.envelope import key_id_of
from credservice.crypto.fields import SealedField

BATCH = 1000


@dataclass
class Report:
    """Counts of what was opened, and what was not, by data key (0 where a value names none)."""

    opened: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # why; with where, if not all of a key share it
    unbound: int = 0  # of the opened ones, those that a version sealed which knew their row alone


def sealed_columns() -> list[tuple[type[models.Model], SealedField]]:
    """Return every model and field of the service that holds sealed values."""
    return [
        (model, column)
        for model in apps.get_models()
        for column in model._meta.get_fields()
        if isinstance(column, SealedField)
    ]


def open_all(sample: int | None = None) -> Iterator[Report]:
    """Open every sealed value, or ``sample`` of each column. Yields the growing report after each batch."""
    report = Report()
    for model, column in sealed_columns():
        for batch in _batches(model, column, sample):
            for blob, pk, *decided_by in batch:
                _open(report, column.place(pk, *decided_by), bytes(blob))
            yield report
    for model in apps.get_models():
        for place, blob in getattr(model, "sealed_in_handles", tuple)():
            _open(report, place, blob)
    yield report


def _open(report: Report, place: Place, blob: bytes) -> None:
    key_id = 0
    try:
        key_id = key_id_of(blob)
        unbound = is_unbound(blob, place)
        unseal(blob, place.of_its_row_alone() if unbound else place)
        report.opened[key_id] += 1
        report.unbound += unbound
    except SealError as error:
        report.failed[key_id] += 1
        report.reasons[str(error)] += 1


def is_unbound(blob: bytes, place: Place) -> bool:
    """Tell if ``blob`` is bound to its row alone, though its place says more. Raises :class:`SealError`."""
    return bool(place.bound_to) and store.data_key(key_id_of(blob)).purpose == store.VALUES


def sealed_rows(model: type[models.Model], column: SealedField) -> models.QuerySet[Any, tuple[Any, ...]]:
    """Find the sealed values of a column, in the order of its rows: each with the row's key and what it is bound to."""
    rows = model._default_manager.filter(**{f"{column.name}__isnull": False}).order_by("-pk")
    return rows.values_list(column.name, "pk", *column.bound_to)


def _batches(model: type[models.Model], column: SealedField, sample: int | None) -> Iterator[list[tuple[Any, ...]]]:
    """By primary key, so that a table of any size is read in small queries."""
    rows = sealed_rows(model, column)
    left, last = sample, None
    while left is None or left > 0:
        size = BATCH if left is None else min(BATCH, left)
        batch = list((rows if last is None else rows.filter(pk__lt=last))[:size])
        if not batch:
            return
        yield batch
        last = batch[-1][1]
        left = None if left is None else left - len(batch)

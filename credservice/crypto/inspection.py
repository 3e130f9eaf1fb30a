"""Opening what is sealed, to know that it can be opened: all of it, or a sample."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.apps import apps
from django.db import models

from credservice.crypto import Place, SealError, unseal
from credservice.crypto.envelope import key_id_of
from credservice.crypto.fields import SealedField

BATCH = 1000


@dataclass
class Report:
    """What was opened, and what was not, by data key (0 where a value names none)."""

    opened: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # why; with where, if not all of a key share it


def sealed_columns() -> list[tuple[type[models.Model], str]]:
    """Every model and field of the service that holds sealed values."""
    return [
        (model, column.name)
        for model in apps.get_models()
        for column in model._meta.get_fields()
        if isinstance(column, SealedField)
    ]


def open_all(sample: int | None = None) -> Iterator[Report]:
    """Open every sealed value, or ``sample`` of each column. Yields the growing report after each batch."""
    report = Report()
    for model, name in sealed_columns():
        for batch in _batches(model, name, sample):
            for pk, blob in batch:
                _open(report, Place(model._meta.label_lower, pk, name), bytes(blob))
            yield report
    for model in apps.get_models():
        for place, blob in getattr(model, "sealed_in_handles", tuple)():
            _open(report, place, blob)
    yield report


def _open(report: Report, place: Place, blob: bytes) -> None:
    key_id = 0
    try:
        key_id = key_id_of(blob)
        unseal(blob, place)
        report.opened[key_id] += 1
    except SealError as error:
        report.failed[key_id] += 1
        report.reasons[str(error)] += 1


def _batches(model: type[models.Model], name: str, sample: int | None) -> Iterator[list[tuple[UUID | str, bytes]]]:
    """By primary key, so that a table of any size is read in small queries."""
    rows = model._default_manager.filter(**{f"{name}__isnull": False}).order_by("-pk").values_list("pk", name)
    left, last = sample, None
    while left is None or left > 0:
        size = BATCH if left is None else min(BATCH, left)
        batch = list((rows if last is None else rows.filter(pk__lt=last))[:size])
        if not batch:
            return
        yield batch
        last = batch[-1][0]
        left = None if left is None else left - len(batch)

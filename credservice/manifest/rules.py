"""Judges a row as the file has it by the model's own rules, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models

from credservice.core.names import PLAIN_ERRORS
from credservice.manifest.columns import Reference
from credservice.manifest.schema import Plan, Row, Section, chunks


def validate(plan: Plan, row: Row, failed: set[str]) -> None:
    """Refuse what the model refuses, except for its uniqueness. ``failed`` are columns that were refused already."""
    references = {known.attribute for known in row.section.fields if isinstance(known, Reference)} - failed
    complete = not failed and all(plan.is_sound(getattr(row.obj, attribute)) for attribute in references)
    try:
        # The key of a row that is there may be a partner's, of any characters.
        _clean(row.obj, failed | (set() if row.is_new else {row.section.key}), complete)
    except ValidationError as error:
        for column, errors in error.error_dict.items():
            for each in errors:
                _refuse_column(plan, row, column, _plain(each), getattr(each, "place", ()))
            failed.add(column)
    except ImproperlyConfigured as error:
        plan.refuse(row.item, str(error))
        failed.add("")
    if failed or not complete:
        plan.distrust(row.obj)


def refuse_shared(plan: Plan, section: Section, rows: Sequence[Row]) -> None:
    """Refuse values that two rows would share, where the section calls a column unique."""
    for column, scope in section.unique.items():
        place = _place(column, f"{scope}_id" if scope else "")
        first: dict[Any, Row] = {}
        for row in rows:
            other = first.setdefault(place(row.obj), row)
            if other is not row and getattr(row.obj, column):
                _refuse_column(plan, row, column, f"this is that of {other.item.name} as well: each has its own")
        _refuse_taken(plan, section, column, place, rows)


def _refuse_taken(plan: Plan, section: Section, column: str, place: Callable[[Any], Any], rows: Sequence[Row]) -> None:
    moved = [row for row in rows if getattr(row.obj, column) and (row.is_new or column in row.changed)]
    for some in chunks(moved):
        taken = section.model._default_manager.filter(**{f"{column}__in": [getattr(row.obj, column) for row in some]})
        owners = {place(obj): obj for obj in taken}
        for row in some:
            owner = owners.get(place(row.obj), row.obj)
            if owner.pk != row.obj.pk:
                name = getattr(owner, section.key)
                _refuse_column(plan, row, column, f"this is that of {name} in the database: change that one first")


def _place(column: str, scope: str) -> Callable[[Any], Any]:
    return lambda obj: (getattr(obj, scope) if scope else None, getattr(obj, column))


def _refuse_column(plan: Plan, row: Row, column: str, text: str, place: tuple[str | int, ...] = ()) -> None:
    known = next((known for known in row.section.fields if known.attribute == column), None)
    if known:
        plan.refuse(row.item.entry(known.name).part(place), text)
    else:
        plan.refuse(row.item, text, column if column == row.section.key else "")


def _plain(error: ValidationError) -> str:
    """Write it in our own words, where Django's are none for who writes a file or calls an API."""
    if error.code in PLAIN_ERRORS and error.params:
        return PLAIN_ERRORS[error.code] % error.params
    return " ".join(error.messages)


def _clean(obj: models.Model, failed: set[str], complete: bool) -> None:
    """full_clean() without its queries for foreign keys and uniqueness; rules over several columns if complete."""
    errors: dict[str, list[ValidationError]] = {}
    keys = {column.name for column in obj._meta.fields if column.is_relation}
    steps: list[Callable[[], None]] = [
        lambda: obj.clean() if complete else None,
        lambda: obj.clean_fields(exclude=keys | failed | set(errors)),
        lambda: _check_constraints(obj) if complete and not errors else None,
    ]
    for step in steps:
        try:
            step()
        except ValidationError as error:
            error.update_error_dict(errors)
    if errors:
        raise ValidationError(errors)


def _check_constraints(obj: models.Model) -> None:
    for constraint in obj._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            constraint.validate(type(obj), obj)

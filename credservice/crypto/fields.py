"""Declares a model column that takes nothing but sealed values."""

from functools import reduce
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from credservice.crypto.envelope import HEADER, MARKER, TAG_BYTES, Place, is_sealed


class SealedField(models.BinaryField):  # type: ignore[type-arg]
    """Holds what :func:`credservice.crypto.seal` returned.

    Anything else is refused before it reaches the database, and by the database's own check, whoever writes.
    ``bound_to`` names the columns that decide who gets the value, as look-ups from its row: changed by anybody who
    does not seal the value anew, they leave one that does not open. They are no part of the schema.
    """

    description = "A sealed value"

    def __init__(self, *args: Any, bound_to: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.bound_to = bound_to

    def place(self, pk: Any, *decided_by: Any) -> Place:
        """Return the place of the value in row ``pk``, given the values of the columns in ``bound_to``."""
        return Place(self.model._meta.label_lower, pk, self.name, tuple(map(_text, decided_by)))

    def get_prep_value(self, value: Any) -> Any:
        if value is not None and not is_sealed(bytes(value)):
            raise ValidationError(f"{self.name} takes sealed values only: use credservice.crypto.seal")
        return super().get_prep_value(value)

    def db_check(self, connection: Any) -> str:
        column = self.db_type_parameters(connection)["qn_column"]
        smallest = HEADER.size + TAG_BYTES
        return f"substring({column} from 1 for 2) = '\\x{MARKER.hex()}'::bytea AND octet_length({column}) >= {smallest}"


def place_of(row: models.Model, column: str) -> Place:
    """Return the place of a row's sealed value, as the row is now."""
    sealed = row._meta.get_field(column)
    assert isinstance(sealed, SealedField)
    return sealed.place(row.pk, *(reduce(getattr, name.split("__"), row) for name in sealed.bound_to))


def _text(value: Any) -> str:
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)

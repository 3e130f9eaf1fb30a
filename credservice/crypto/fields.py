"""A model column that takes nothing but sealed values."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from credservice.crypto.envelope import HEADER, MARKER, TAG_BYTES, is_sealed


class SealedField(models.BinaryField):  # type: ignore[type-arg]
    """Holds what :func:`credservice.crypto.seal` returned.

    Anything else is refused before it reaches the database, and by the database's own check, whoever writes.
    """

    description = "A sealed value"

    def get_prep_value(self, value: Any) -> Any:
        if value is not None and not is_sealed(bytes(value)):
            raise ValidationError(f"{self.name} takes sealed values only: use credservice.crypto.seal")
        return super().get_prep_value(value)

    def db_check(self, connection: Any) -> str:
        column = self.db_type_parameters(connection)["qn_column"]
        smallest = HEADER.size + TAG_BYTES
        return f"substring({column} from 1 for 2) = '\\x{MARKER.hex()}'::bytea AND octet_length({column}) >= {smallest}"

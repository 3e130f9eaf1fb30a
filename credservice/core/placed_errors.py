"""Says where, inside of a field's value, something is wrong: for a form the field will do, an API points there."""

from django.core.exceptions import ValidationError


class PlacedError(ValidationError):
    """Names the wrong part of a field's JSON. ``place``: names, and positions from 0, that lead to it."""

    def __init__(self, message: str, place: tuple[str | int, ...], code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.place = place

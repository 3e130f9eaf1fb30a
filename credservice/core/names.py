"""Judges ids and names that a person or a program enters: one rule for the console, the API, set-up files and imports.

Partners' ids stay opaque where partners send them: those are compared with what is stored, character by character.
"""

import re
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models

NAME_FORM = "Write letters, digits, hyphens and underscores only"  # of what stands in addresses and commands
# In place of Django's words, by its codes.
PLAIN_ERRORS = {
    "unique": "This is taken already: write another.",
    "max_length": "Write at most %(limit_value)d characters: these are %(show_value)d.",
    "min_value": "Write %(limit_value)s or more.",
    "max_value": "Write %(limit_value)s or less.",
}

# Unicode's Default_Ignorable_Code_Point and blank letters that Python calls printable: nobody sees them.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def fault_of_name(text: str) -> str | None:
    """Return a phrase that follows the name of ``text``, or None where nothing is wrong. An empty text is sound."""
    if text != text.strip():
        return "begins or ends with a blank"
    if not text.isprintable() or _UNSEEN.search(text):
        return "holds a line break, an invisible character or a blank that is no plain space"
    return None


def printable(text: str) -> str:
    """Replace what could steer a terminal: ids of partners, and names in a file, may hold anything."""
    return "".join(each if each.isprintable() else "?" for each in text.replace("\N{NO-BREAK SPACE}", " "))


def validate_name(text: str) -> None:
    """Raise Django's ValidationError where ``text`` is no id or name, for a form's or a model's field."""
    fault = fault_of_name(text)
    if fault:
        raise ValidationError(f"This {fault}.")


if TYPE_CHECKING:
    _Column = models.CharField[str, str]
    _SlugColumn = models.SlugField[str, str]
else:
    _Column = models.CharField
    _SlugColumn = models.SlugField


class NameField(_Column):
    """Stores an id or a name: forms, and whatever cleans a row, refuse what the rule does. For the database, and for
    migrations, a plain CharField. A form drops blanks at the ends before."""

    default_validators = [validate_name]

    def deconstruct(self) -> tuple[str, str, list[object], dict[str, object]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", list(args), kwargs


class AddressNameField(_SlugColumn):
    """Stores a name that stands in addresses and commands: Django's slug, refused in a person's words."""

    default_error_messages = {"invalid": f"{NAME_FORM}."}

    def deconstruct(self) -> tuple[str, str, list[object], dict[str, object]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.SlugField", list(args), kwargs

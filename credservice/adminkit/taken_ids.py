"""Says at the field of an id that another row has it, and which row, to who may look at it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, UniqueConstraint
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from credservice.adminkit.links import may_view, new_tab_link, page_of
from credservice.core.names import printable


class TakenAtField:
    """Tells, as a mixin of model forms, a broken constraint of uniqueness. In Django's words one of several columns
    would be told above the form, and one with a condition by its own name."""

    request: ClassVar[HttpRequest]
    instance: Any
    fields: dict[str, forms.Field]

    def _update_errors(self, errors: ValidationError) -> None:
        if hasattr(errors, "error_dict"):
            found: dict[str, list[ValidationError]] = {}
            for name, each in ((name, error) for name, those in errors.error_dict.items() for error in those):
                taken = self._taken(each)
                told = self._told(*taken) if taken else ValidationError({name: [each]})
                told.update_error_dict(found)
            errors = ValidationError(found)
        super()._update_errors(errors)  # type: ignore[misc]

    def _taken(self, error: ValidationError) -> tuple[Sequence[str], Q] | None:
        """Find the columns that may not be the same in two rows, and of which rows; None of another error.

        A column that is unique by itself is told at its field by Django already.
        """
        if error.code == "unique_together":
            return (error.params or {})["unique_check"], Q()
        for each in self.instance._meta.constraints:
            if isinstance(each, UniqueConstraint) and each.get_violation_error_message() == error.message:
                return each.fields, each.condition or Q()
        return None

    def _told(self, columns: Sequence[str], condition: Q) -> ValidationError:
        shown = [name for name in columns if name in self.fields]  # the id comes last, after what it is of
        sentence = self._sentence(columns, condition)
        return ValidationError({shown[-1]: sentence} if shown else sentence)

    def _sentence(self, columns: Sequence[str], condition: Q) -> SafeString:
        model: type[Model] = type(self.instance)
        noun, scopes = model._meta.verbose_name, [model._meta.get_field(name) for name in columns[:-1]]
        of = "".join(f" of this {field.verbose_name}" for field in scopes)  # type: ignore[union-attr]
        if not may_view(self.request, model):
            return format_html("Another {}{} has this already: write another.", noun, of)
        rows = model._default_manager.filter(condition, **{name: getattr(self.instance, name) for name in columns})
        other = rows.exclude(pk=self.instance.pk).first()
        if other is None:  # it is gone again
            return format_html("Another {}{} had this just now: save again.", noun, of)
        named = new_tab_link(page_of(other), printable(str(other)))
        return format_html("The {} {}{} has this already: write another.", noun, named, of)


def telling_whose(form: Any, request: HttpRequest) -> Any:
    """Add the mixin to a class of forms."""
    return type(form.__name__, (TakenAtField, form), {"request": request})

"""Takes a JSON object by a form of its own, within another form.

For the outer form it is one field, so that the object is compared, saved and recorded as a whole, as if it had been
typed as JSON. One form may ask for it (:class:`ObjectForm`), or one of several (:class:`Variants`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import RADIO_CLASSES

from credservice.adminkit.widgets import JSONField

NESTED = "Correct what is marked above."


class Nested(Protocol):
    """Asks for an object."""

    template: str

    def is_valid(self) -> bool: ...

    def value(self) -> dict[str, Any]:
        """Return the object, of a valid form."""

    def mark(self, name: str, sentence: str) -> bool:
        """Show the sentence at the field ``name``. False: there is none."""


class ObjectForm(forms.Form):
    template = "console/nested_form.html"
    use_required_attribute = False  # of those that are not chosen, nothing is required

    def value(self) -> dict[str, Any]:
        return self.cleaned_data

    def mark(self, name: str, sentence: str) -> bool:
        if name in self.fields:
            self.add_error(name, sentence)
        return name in self.fields


@dataclass
class Variant:
    title: str
    about: str
    form: ObjectForm | None = None


@dataclass
class Variants:
    """Offers several forms by radio buttons, of which the chosen one is read. ``name``: of the buttons.

    ``key`` is the field of the object that holds what was chosen, where that belongs to it.
    """

    name: str
    chosen: str
    choices: Mapping[str, Variant]
    key: str = ""
    template: str = "console/variants.html"
    radio_classes: str = " ".join(RADIO_CLASSES)

    @property
    def form(self) -> ObjectForm | None:
        return self.choices[self.chosen].form if self.chosen in self.choices else None

    def is_valid(self) -> bool:
        return self.chosen in self.choices and (self.form is None or self.form.is_valid())

    def value(self) -> dict[str, Any]:
        return {} if self.form is None else ({self.key: self.chosen} if self.key else {}) | self.form.value()

    def mark(self, name: str, sentence: str) -> bool:
        return self.form is not None and self.form.mark(name, sentence)


# Makes the form from what was sent (None: nothing yet) and the name of the outer field.
Maker = Callable[[Any, str], Nested]


class NestedWidget(forms.Widget):
    def __init__(self, make: Maker) -> None:
        super().__init__()
        self.make = make
        self.sent: Nested | None = None

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Nested:
        """Return the form of what was sent: the same one each time, since it keeps its errors."""
        self.sent = self.sent or self.make(data, name)
        return self.sent

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def id_for_label(self, id_: str) -> str:
        return ""  # its inputs have labels of their own

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        form = self.sent or self.make(None, name)
        return render_to_string(form.template, {"form": form})


class NestedField(JSONField):
    def __init__(self, make: Maker, **kwargs: Any) -> None:
        super().__init__(required=False, widget=NestedWidget(make), **kwargs)

    def clean(self, value: Any) -> Any:
        if not value.is_valid():
            raise ValidationError(NESTED)
        return value.value()

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data

    def prepare_value(self, value: Any) -> Any:
        return super().prepare_value(value) if isinstance(value, dict) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return not data.is_valid() or data.value() != (initial or {})

    def mark(self, name: str, sentence: str) -> bool:
        """Show the sentence at a field of the form that was sent."""
        assert isinstance(self.widget, NestedWidget)
        return self.widget.sent is not None and self.widget.sent.mark(name, sentence)

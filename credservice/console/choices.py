"""What the choices of a form offer, and how they tell rows apart."""

from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db.models import Model


class ChoicesView(AutocompleteJsonView):
    """Django's answer to what is typed into a choice, in the words of the list's ``choice_label``, where it has one."""

    def serialize_result(self, obj: Model, to_field_name: str) -> dict[str, str]:
        result: dict[str, str] = super().serialize_result(obj, to_field_name)
        label: Any = getattr(self.model_admin, "choice_label", None)
        return result | ({"text": label(obj)} if label else {})

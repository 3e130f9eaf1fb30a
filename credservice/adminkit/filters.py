"""Filters lists without ever reading a table to offer its values."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import slugify
from unfold.contrib.filters.admin import DropdownFilter
from unfold.contrib.filters.admin.text_filters import TextFilter


class ExactFilter(TextFilter):
    """Takes a whole id in a box, on an indexed column; ``parameter_name`` is the column."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        term = (self.value() or "").strip()
        return queryset.filter(**{str(self.parameter_name): term}) if term else queryset


class StatesFilter(DropdownFilter):
    """Offers the states of a model, and ``groups`` of rows that are not of one state alone, by their names."""

    title, parameter_name = "state", "state__exact"
    groups: ClassVar[Mapping[str, Q]] = {}  # by their names; "ended, still open" is ended-still-open in an address

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        states = [(str(word), str(word).capitalize()) for word in model_admin.model.State.values]
        return [*states, *((slugify(name), name.capitalize()) for name in self.groups)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        group = next((q for name, q in self.groups.items() if slugify(name) == value), None)
        if group is not None:
            return queryset.filter(group)
        return queryset.filter(state=value) if value else queryset


class StateFilter(DropdownFilter):
    """Offers active or suspended, of a model with ``is_active``."""

    title, parameter_name = "state", "is_active"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Active"), ("no", "Suspended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_active=self.value() == "yes") if self.value() else queryset

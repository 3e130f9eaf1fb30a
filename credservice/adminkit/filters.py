"""Filters lists without ever reading a table to offer its values."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter
from unfold.contrib.filters.admin.text_filters import TextFilter


class ExactFilter(TextFilter):
    """Takes a whole id in a box, on an indexed column; ``parameter_name`` is the column."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        term = (self.value() or "").strip()
        return queryset.filter(**{str(self.parameter_name): term}) if term else queryset


class StateFilter(DropdownFilter):
    """Offers active or suspended, of a model with ``is_active``."""

    title, parameter_name = "state", "is_active"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Active"), ("no", "Suspended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_active=self.value() == "yes") if self.value() else queryset

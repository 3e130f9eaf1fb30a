"""Writes the values of fields that are only shown."""

from datetime import timedelta
from typing import Any

from django.template import Library

from credservice.core.time_spans import spoken

register = Library()


@register.filter
def shown_time(field: Any) -> str:
    """Write the field's span of time, for which Django has "30 days, 0:00:00"; empty for any other field."""
    _, _, value = getattr(field, "resolved_field", None) or (None, None, None)
    return spoken(value) if isinstance(value, timedelta) else ""

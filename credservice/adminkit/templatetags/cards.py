"""Writes the cells of a list, which a narrow screen shows as a card for each row."""

import re

from django.template import Library
from django.utils.safestring import SafeString, mark_safe

register = Library()


@register.filter
def card_cell(cell: SafeString) -> SafeString:
    """Write the cell's name as the head of its column does: with a capital at its beginning."""
    named = re.sub(r'(?<= data-label=")\w', lambda first: first[0].upper(), cell, count=1)
    return mark_safe(named)  # noqa: S308  # nosec B308 B703

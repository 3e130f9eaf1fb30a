"""Writes the cells of lists and of tables on pages, which a narrow screen shows as a card for each row."""

import re
from collections.abc import Sequence
from html import escape, unescape

from django.template import Library
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = Library()
LONGEST_WORD = 48  # a UUID has 36 characters; longer ids are a partner's
KEPT = 22  # of a longer one: at its beginning, and half of that at its end
_TAG_OR_TEXT = re.compile(r"""<(?:[^>"']|"[^"]*"|'[^']*')*>|([^<]+)""")  # a quoted attribute may hold a >


@register.filter
def card_cell(cell: SafeString) -> SafeString:
    """Write the cell's name as the head of its column does, with a capital at its beginning, and cut what is long."""
    named = re.sub(r'(?<= data-label=")\w', lambda first: first[0].upper(), cell, count=1)
    return cut_words(mark_safe(named))  # noqa: S308  # nosec B308 B703


@register.filter
def under(row: Sequence[object], heads: Sequence[str]) -> list[SafeString]:
    """Write the cells of a row under the heads of its table."""
    few = len(heads) < 3  # fits a phone as it is
    cells = zip(heads, row, strict=True)
    return [
        cut_words(format_html("<td>{}</td>", cell) if few else format_html('<td data-label="{}">{}</td>', head, cell))
        for head, cell in cells
    ]


def cut_words(markup: SafeString) -> SafeString:
    """Cut words in the middle that would push other columns out of view; the whole shows when one points at it."""
    return mark_safe(_TAG_OR_TEXT.sub(_cut_text, markup))  # noqa: S308  # nosec B308 B703


def _cut_text(found: re.Match[str]) -> str:
    return found[0] if found[1] is None else re.sub(r"\S+", _cut_word, found[0])


def _cut_word(found: re.Match[str]) -> str:
    word = unescape(found[0])
    if len(word) <= LONGEST_WORD:
        return found[0]
    return f'<span title="{escape(word)}">{escape(f"{word[:KEPT]}…{word[-KEPT // 2 :]}")}</span>'

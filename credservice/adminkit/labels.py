"""Shows a state as a coloured word, the same one in lists and on pages."""

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

_WORDS = {
    "success": "active current trusted accepted granted done delivered succeeded set approved used HMAC",
    "info": "todo queued doing asking acknowledged running SHA-256",
    "warning": "pending retiring previous ending ended refused deprovisioning aborted test waiting",
    "danger": "suspended inactive shut failed stuck conflict denied disabled unsigned declined stopped",
}
_COLOURS = {word: colour for colour, words in _WORDS.items() for word in words.split()} | {
    "may still work": "warning",
    "force-ended": "warning",
    "not set": "warning",
}


def label(word: str) -> SafeString:
    """Show ``word`` in its colour; grey where it is nothing to look at."""
    colour = "danger" if word.startswith("leaked, ") else _COLOURS.get(word, "default")
    return mark_safe(  # noqa: S308  # nosec B308 B703
        render_to_string("unfold/helpers/label.html", {"text": word, "type": colour}).strip()
    )


@display(description="State")
def active_state(obj: Any) -> SafeString:
    """Show the state of a row with ``is_active``."""
    return label("active" if obj.is_active else "suspended")

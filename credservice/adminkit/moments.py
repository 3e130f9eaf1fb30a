"""Shows a time as people say it, with the exact one on hover: in UTC, and by a script in the reader's own zone."""

from datetime import UTC, datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString

from credservice.core.ago import ago

_TIME = '<time class="console-moment" datetime="{}" title="{}">{}</time>'


def moment(at: datetime | None, none: str = "-") -> SafeString | str:
    """Write ``3 hours ago`` or ``in 2 days``; ``none`` for no time."""
    if at is None:
        return none
    exact = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return format_html(_TIME, at.isoformat(), exact, ago(at))

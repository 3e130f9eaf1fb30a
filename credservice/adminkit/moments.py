"""Shows a time as people say it, with the exact one on hover: in UTC, and by a script in the reader's own zone."""

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

_TIME = '<time class="console-moment" datetime="{}" title="{}">{}</time>'


def moment(at: datetime | None, none: str = "-") -> SafeString | str:
    """Write ``3 hours ago`` or ``in 2 days``; ``none`` for no time."""
    if at is None:
        return none
    exact = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return format_html(_TIME, at.isoformat(), exact, ago(at))


def ago(at: datetime) -> str:
    """Tell how long ago a time was, or how far ahead it is, in its largest unit."""
    now = timezone.now()
    if abs((now - at).total_seconds()) < 60:
        return "just now" if at <= now else "in a moment"
    if at <= now:
        return f"{timesince(at, now, depth=1)} ago"
    return f"in {timesince(now, at, depth=1)}"

"""Says in words how long ago a time was."""

from datetime import datetime

from django.utils import timezone
from django.utils.timesince import timesince


def ago(at: datetime) -> str:
    """Tell how long ago a time was, or how far ahead it is, in its largest unit."""
    now = timezone.now()
    if abs((now - at).total_seconds()) < 60:
        return "just now" if at <= now else "in a moment"
    if at <= now:
        return f"{timesince(at, now, depth=1)} ago"
    return f"in {timesince(now, at, depth=1)}"

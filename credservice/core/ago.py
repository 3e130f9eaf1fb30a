"""Says in words how long ago a time was."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.timesince import timesince


def ago(at: datetime) -> str:
    """Tell how long ago a time was, or how far ahead it is, in its largest unit."""
    now = timezone.now()
    if abs((now - at).total_seconds()) < 60:
        return "just now" if at <= now else "in a moment"
    if at <= now:
        return f"{timesince(at, now, depth=1)} ago"
    # What was set a moment ago for "3 days" is in 3 days, not in 2.
    return f"in {timesince(now, at + timedelta(seconds=59), depth=1)}"

"""Bounds and words for spans of time: the same in the console, the vendor API, set-up files and commands."""

from datetime import timedelta

MAX_SPAN = timedelta(days=100 * 365)
AT_MOST = "100 years at most"


def spoken(time: timedelta) -> str:
    """Write a time such as "1 day 2 hours"; fractions of a second are left out."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = {"day": days, "hour": hours, "minute": minutes, "second": seconds}
    told = " ".join(f"{count} {unit}{'' if count == 1 else 's'}" for unit, count in parts.items() if count)
    return told or ("less than a second" if time else "0 seconds")

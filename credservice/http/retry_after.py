"""Reads the header ``Retry-After`` of an answer."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_RETRY_AFTER = 3600


def retry_after(header: str) -> int | None:
    """Read the seconds of a ``Retry-After`` header, an hour at most; None where it says none (RFC 9110, 10.2.3)."""
    try:
        seconds = int(header) if header.isascii() and header.isdigit() else _until(header)
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 1), LONGEST_RETRY_AFTER)


def _until(date: str) -> int:
    moment = parsedate_to_datetime(date)
    return int((moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())

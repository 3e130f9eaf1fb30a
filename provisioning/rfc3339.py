"""Reads points in time as RFC 3339 writes them."""

import re
from datetime import UTC, datetime, timedelta, timezone

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def parse_rfc3339(text: str) -> datetime:
    """Read the moment in ``text`` (RFC 3339, section 5.6), to the microsecond. Raises ValueError for anything else."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 date-time")
    *numbers, fraction, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    # A leap second (section 5.7) is the last moment before the next minute to us.
    leap = second == 60
    microsecond = 999_999 if leap else int((fraction or "0").ljust(6, "0")[:6])
    return datetime(year, month, day, hour, minute, second - leap, microsecond, _zone(sign, hours, minutes))


def _zone(sign: str | None, hours: str, minutes: str) -> timezone:
    if sign is None:
        return UTC
    if int(minutes) > 59:
        raise ValueError("not an RFC 3339 offset")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)

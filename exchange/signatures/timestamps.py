"""Parses timestamps of signed requests, in the units that the document leaves open, told apart by their form."""

import re
from datetime import datetime

from django.utils.http import parse_http_date

from exchange.signatures.header import Malformed

_SECONDS = re.compile(r"[0-9]{9,11}(?:\.[0-9]{1,9})?")
_MILLISECONDS = re.compile(r"[0-9]{12,14}")
# With an offset: a time without one would be ours to guess.
_ISO_8601 = re.compile(
    r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}[Tt ][0-9]{2}:?[0-9]{2}:?[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})"
)
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")


def parse_timestamp(text: str) -> float:
    """Return the moment, in seconds since 1970. Raises :class:`Malformed`.

    Nine to eleven digits are seconds (1973 to 5138), twelve to fourteen milliseconds (the same years); ISO 8601 and
    RFC 3339 with their offset; HTTP dates in the one form that is still sent (RFC 9110, 5.6.7).
    """
    if _SECONDS.fullmatch(text):
        return float(text)
    if _MILLISECONDS.fullmatch(text):
        return int(text) / 1000
    try:
        if _ISO_8601.fullmatch(text):
            return datetime.fromisoformat(text.upper()).timestamp()
        if _HTTP_DATE.fullmatch(text):
            return float(parse_http_date(text))
    except (ValueError, OverflowError):
        pass
    raise Malformed("malformed_timestamp")

"""Checks what the vendor's endpoint answers."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from credservice.issuers.base import Issued, IssueFailed

MAX_VALUE_BYTES = 16 * 1024
MAX_HANDLE_BYTES = 4 * 1024
MAX_HINT = 64
SHORTEST_SECRET = 6


def read_issued(body: Mapping[str, Any], names: tuple[str, ...]) -> Issued:
    """The credential in an answer to ``credential.issue``. Raises :class:`IssueFailed`, which quotes no value."""
    values = _values(body.get("values"), names)
    expires_at, refresh_at = _time(body, "expires_at"), _time(body, "refresh_at")
    if expires_at is not None and expires_at <= timezone.now():
        raise IssueFailed("the endpoint answered an expires_at that has passed")
    handle = body.get("handle") or {}
    if not isinstance(handle, dict) or len(json.dumps(handle).encode()) > MAX_HANDLE_BYTES:
        raise IssueFailed(f"the endpoint's handle must be a JSON object of at most {MAX_HANDLE_BYTES} bytes")
    hint = body.get("hint") or ""
    if not isinstance(hint, str) or len(hint) > MAX_HINT:
        raise IssueFailed(f"the endpoint's hint must be a text of at most {MAX_HINT} characters")
    # Both are stored and shown in clear.
    for name, value in values.items():
        if len(value) >= SHORTEST_SECRET and (value in hint or _holds(handle, value)):
            raise IssueFailed(f"the endpoint's handle or hint holds the value {name}; they are kept in clear")
    return Issued(values=values, expires_at=expires_at, refresh_at=refresh_at, hint=hint, handle=handle)


def _values(values: Any, names: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(values, dict):
        raise IssueFailed("the endpoint answered no values")
    missing, unknown = [name for name in names if name not in values], sorted(set(values) - set(names))
    if missing or unknown:
        raise IssueFailed(
            f"the endpoint answered no value named {missing[0]}" if missing else "the endpoint answered unknown values"
        )
    for name, value in values.items():
        if not isinstance(value, str) or not value or len(value.encode()) > MAX_VALUE_BYTES:
            raise IssueFailed(f"the endpoint's value {name} must be a text of 1 to {MAX_VALUE_BYTES} bytes")
    return values


def _time(body: Mapping[str, Any], name: str) -> datetime | None:
    text = body.get(name)
    if text is None:
        return None
    try:
        moment = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise IssueFailed(f"the endpoint's {name} must be an RFC 3339 time with its offset")
    return moment


def _holds(part: Any, value: str) -> bool:
    if isinstance(part, dict):
        return any(value in name or _holds(inner, value) for name, inner in part.items())
    if isinstance(part, list):
        return any(_holds(inner, value) for inner in part)
    return isinstance(part, str) and value in part

"""Reads the three ids of an exchange request, strictly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from credservice.core.exceptions import Invalid
from exchange.models import MAX_ID

MAX_QUERY_FIELDS = 32


@dataclass(frozen=True, slots=True)
class ExchangeIds:
    """``integrationId``, ``installationId`` and ``endUserId`` (reference, "How It Works")."""

    integration: str
    installation: str
    end_user: str


def read_ids(body: Mapping[str, Any], query: str | None) -> ExchangeIds:
    """Read the ids in ``body``, and where it lacks one, in the raw ``query`` (``None``: the profile does not allow it).

    Raises :class:`Invalid`, also where the two disagree.
    """
    fields = _query_fields(query) if query else {}
    return ExchangeIds(*(_read_id(name, body, fields) for name in ("integrationId", "installationId", "endUserId")))


def _read_id(name: str, body: Mapping[str, Any], fields: Mapping[str, str]) -> str:
    value = body.get(name, fields.get(name))
    if value is None:
        raise Invalid(f"{name} is missing.")
    if not isinstance(value, str) or not value:
        raise Invalid(f"{name} must be a text that is not empty.")
    if len(value) > MAX_ID:
        raise Invalid(f"{name} is longer than {MAX_ID} characters.")
    if "\x00" in value:
        raise Invalid(f"{name} holds a NUL character.")
    if fields.get(name, value) != value:
        raise Invalid(f"{name} in the query differs from the one in the body.")
    return value


def _query_fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise Invalid("The query cannot be read.") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Invalid("The query names the same field twice.")
    return fields

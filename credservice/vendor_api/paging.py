"""Pages by keyset: each begins behind the last row of the one before, whatever was added or removed meanwhile."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.vendor_api.fields import StrictSerializer
from credservice.vendor_api.problems import refused

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
_SALT = "credservice.vendor_api.cursor"
NOT_OURS = "Send the cursor of a `next` link as it is, with the same filters."


class PageQuerySerializer(StrictSerializer):
    """Every list takes these."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT, help_text="How many at most."
    )
    cursor = serializers.CharField(
        required=False, max_length=1024, help_text="From a `next` link: what comes after that page."
    )


def page(
    request: Request,
    rows: QuerySet[Any],
    params: Mapping[str, Any],
    show: Callable[[Sequence[Any]], list[Any]],
    keys: tuple[str, ...] = ("created_at", "pk"),
) -> Response:
    """A page of ``rows``, the newest first by ``keys``, which end in a unique one."""
    filters = _fingerprint(request.path, params)
    if cursor := params.get("cursor"):
        rows = rows.filter(_before(keys, _read(cursor, filters, rows.model, keys)))
    found = list(rows.order_by(*(f"-{key}" for key in keys))[: params["limit"] + 1])
    shown, more = found[: params["limit"]], len(found) > params["limit"]
    following = _link(request, _write(shown[-1], keys, filters)) if more else None
    headers = {"Link": f'<{following}>; rel="next"'} if following else None
    return Response({"items": show(shown), "next": following}, headers=headers)


def _before(keys: tuple[str, ...], values: list[Any]) -> Q:
    """Rows behind these values: ``(a, b) < (x, y)``, with the leading part said once more for the index."""
    if len(keys) == 1:
        return Q(**{f"{keys[0]}__lt": values[0]})
    (first, second), (x, y) = keys, values
    return Q(**{f"{first}__lte": x}) & (Q(**{f"{first}__lt": x}) | Q(**{f"{second}__lt": y}))


def _write(row: Model, keys: tuple[str, ...], filters: str) -> str:
    values = [str(getattr(row, key)) for key in keys]
    return signing.dumps([filters, *values], salt=_SALT)


def _read(cursor: str, filters: str, model: type[Model], keys: tuple[str, ...]) -> list[Any]:
    try:
        made_for, *texts = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError):
        raise refused("?cursor", NOT_OURS) from None
    if made_for != filters:
        raise refused("?cursor", NOT_OURS)
    fields: list[Any] = [model._meta.pk if key == "pk" else model._meta.get_field(key) for key in keys]
    return [field.to_python(text) for field, text in zip(fields, texts, strict=True)]


def _fingerprint(path: str, params: Mapping[str, Any]) -> str:
    """A cursor is for one list under one set of filters."""
    filters = sorted((name, str(value)) for name, value in params.items() if name not in ("cursor", "limit"))
    return hashlib.sha256(repr((path.rstrip("/"), filters)).encode()).hexdigest()[:16]


def _link(request: Request, cursor: str) -> str:
    query = {name: text for name, text in request.query_params.items() if name != "cursor"}
    return f"{request.path}?{urlencode(query | {'cursor': cursor})}"

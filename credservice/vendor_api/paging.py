"""Answers a list page by page (``credservice.core.keyset``), with signed cursors in its links."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.keyset import Order, behind, read_place, write_place
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
    order: Order = ("created_at", "pk"),
) -> Response:
    """A page of ``rows``, the newest first by ``order``. Raises :class:`InvalidFields` for a cursor of another list."""
    filters = _fingerprint(request.path, params)
    if cursor := params.get("cursor"):
        rows = rows.filter(behind(order, _read(cursor, filters, rows.model, order)))
    found = list(rows.order_by(*(f"-{name}" for name in order))[: params["limit"] + 1])
    shown, more = found[: params["limit"]], len(found) > params["limit"]
    following = _link(request, signing.dumps([filters, *write_place(shown[-1], order)], salt=_SALT)) if more else None
    headers = {"Link": f'<{following}>; rel="next"'} if following else None
    return Response({"items": show(shown), "next": following}, headers=headers)


def _read(cursor: str, filters: str, model: type[Model], order: Order) -> tuple[Any, ...]:
    try:
        made_for, *texts = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError):
        raise refused("?cursor", NOT_OURS) from None
    if made_for != filters:
        raise refused("?cursor", NOT_OURS)
    return read_place(texts, model, order)


def _fingerprint(path: str, params: Mapping[str, Any]) -> str:
    """Name the list and the filters that a cursor is for."""
    filters = sorted((name, str(value)) for name, value in params.items() if name not in ("cursor", "limit"))
    return hashlib.sha256(repr((path.rstrip("/"), filters)).encode()).hexdigest()[:16]


def _link(request: Request, cursor: str) -> str:
    query = {name: text for name, text in request.query_params.items() if name != "cursor"}
    return f"{request.path}?{urlencode(query | {'cursor': cursor})}"


def page_of(item: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """Make the form of a page of ``item``."""
    fields = {
        "items": item(many=True),
        "next": serializers.CharField(allow_null=True, help_text="The next page's path and query; null on the last."),
    }
    name = item.__name__.removesuffix("Serializer")
    return type(f"{name}PageSerializer", (serializers.Serializer,), fields)


def filtered(params: Mapping[str, Any], **lookups: str) -> dict[str, Any]:
    """``{lookup: value}`` of the parameters that were given: ``filtered(params, state="state")``."""
    return {lookup: params[name] for name, lookup in lookups.items() if name in params}

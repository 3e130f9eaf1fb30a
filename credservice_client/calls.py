"""Builds the client's methods: read one, read a list, write."""

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from credservice_client.answers import Tagged
from credservice_client.problems import UnexpectedAnswer
from credservice_client.reading import read
from credservice_client.transport import Call, Reply, Transport

T = TypeVar("T")
G = TypeVar("G", bound=Tagged)
Query = Mapping[str, Any]
ROOT = "/api/v1"


class Null:
    """Type of :data:`NULL`."""

    def __repr__(self) -> str:
        return "NULL"


# Sent as null, where a field may have no value: None is what is left out, and stays as it is.
NULL = Null()


class Calls:
    _transport: Transport

    def _get(self, form: type[T], path: str, query: Query | None = None) -> T:
        reply = self._call("GET", path, query)
        return read(form, reply.body, status=reply.status, etag=reply.etag)

    def _get_tagged(self, form: type[G], path: str, known: G | None, query: Query | None = None) -> G:
        """Read the object; ``known`` where that is what it still is."""
        reply = self._call("GET", path, query, headers={"If-None-Match": known.etag} if known and known.etag else {})
        if reply.status == 304 and known is not None:
            return known
        return read(form, reply.body, status=reply.status, etag=reply.etag)

    def _list(self, form: type[T], path: str, query: Query, page_size: int | None) -> Iterator[T]:
        """Read page by page, as far as the caller reads."""
        cursor = None
        while True:
            reply = self._call("GET", path, {**query, "limit": page_size, "cursor": cursor})
            items, following = reply.body.get("items"), reply.body.get("next")
            if not isinstance(items, list):
                raise UnexpectedAnswer(reply.status, "is no page")
            yield from (read(form, each) for each in items)
            if not following:
                return
            # Not the address itself: the token goes to no other place than the one it is for.
            try:
                (cursor,) = parse_qs(urlsplit(str(following)).query)["cursor"]
            except (KeyError, ValueError):
                raise UnexpectedAnswer(reply.status, "is no page") from None

    def _write(
        self,
        form: type[T],
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Query | None = None,
        headers: Mapping[str, str],
    ) -> T:
        reply = self._call(method, path, query, body, headers)
        return read(form, reply.body, status=reply.status, etag=reply.etag)

    def _ask(self, form: type[T], path: str, body: Mapping[str, Any], query: Query | None = None) -> T:
        """Send a POST that changes nothing."""
        reply = self._call("POST", path, query, body)
        return read(form, reply.body, status=reply.status)

    def _call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        content = None
        sent = dict(headers or {})
        if body is not None:
            content = json.dumps(_given(body)).encode()
            sent["Content-Type"] = "application/json"
        return self._transport.send(Call(method, ROOT + path, self._texts(query or {}), sent, content))

    def _texts(self, query: Query) -> dict[str, str]:
        return {name: _text(value) for name, value in _given(query).items()}


def once(idempotency_key: str | None, *, if_match: str | None = None, only_new: bool = False) -> dict[str, str]:
    """Make a write's headers. It always has an idempotency key, so that the client's own repetitions act once."""
    key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
    headers = {"Idempotency-Key": _header("idempotency_key", key)}
    if if_match is not None:
        headers["If-Match"] = _header("if_match", if_match)
    if only_new:
        headers["If-None-Match"] = "*"
    return headers


def place(*parts: str) -> str:
    """Make a path. Raises ValueError for an id that cannot stand in one."""
    for part in parts:
        if not part:
            raise ValueError("An id is empty: it would be the path of something else.")
        if part in (".", "..") or "/" in part:
            raise ValueError(
                f"{part!r} cannot stand in a path. Give the service's own id, which list_end_users(external_id=...) "
                "and the other lists tell. To register or change an end user with such an id, use import_end_users."
            )
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def moment(at: datetime) -> str:
    """Write a time. Raises ValueError for one without a zone, which would be anybody's guess."""
    if at.tzinfo is None:
        raise ValueError("Give a time with its zone, such as datetime.now(UTC).")
    return at.isoformat()


def _header(name: str, text: str) -> str:
    """Raises ValueError for what no header holds, and for nothing: a list's items have no ``etag``, and without one
    the write would be done whatever has changed."""
    if not text:
        raise ValueError(f"{name}: this is empty. An etag is read with the object itself; a list's items have none.")
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"{name}: give printable ASCII characters.")
    return text


def _given(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if part is NULL else part for name, part in parts.items() if part is not None}


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return moment(value)
    return str(value).lower() if isinstance(value, bool) else str(value)

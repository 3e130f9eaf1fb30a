"""Declares the base of both doors' views: JSON in, JSON out, nothing cached, one form of error."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credservice.core.attempts import first_attempt, may_begin_anew
from credservice.core.availability import is_away
from credservice.core.exceptions import NotFound, ServiceError

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Attempted(Generic[T]):
    """Reads a part of a request before it is known who sent it, for a look-up that finds both; refuses it later."""

    def __init__(self, read: Callable[[], T]) -> None:
        self.value: T | None = None
        self._refusal: ServiceError | APIException | None = None
        try:
            self.value = read()
        except (ServiceError, APIException) as error:
            self._refusal = error

    def get(self) -> T:
        """Return what was read. Raises what refused it."""
        if self._refusal is not None:
            raise self._refusal
        return cast(T, self.value)


def json_answer(content: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """Answer a door's success, of plain JSON types: DRF's Response would negotiate and render it at twice the cost."""
    return HttpResponse(json.dumps(content).encode(), status=status, content_type="application/json")


class _Again(Exception):
    """Ends an attempt that has left nothing behind."""


def _can_be_read_again(request: Request) -> bool:
    """Tell whether the body is kept, or has not been touched: an import is read in pieces, and they are gone."""
    django = request._request
    return hasattr(django, "_body") or not django._read_started  # type: ignore[attr-defined]


class AlwaysJSON(BaseContentNegotiation):
    """Answers JSON whatever ``Accept`` says, as partners send any: never a 406."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        wanted = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class DoorView(APIView):
    """A view of a partner's door. Subclasses say how an error looks and who may call."""

    content_negotiation_class = AlwaysJSON
    http_method_names = ["get", "put", "post", "patch", "delete"]
    format_kwarg = None  # no route has a suffix
    takes_encoded_slashes = False  # yes: its routes part the path before they decode it

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return {"code": error.code, "message": error.message}

    def read_object(self, request: Request) -> dict[str, Any]:
        """Read the body's JSON object; none is an empty one. As DRF's ``request.data``, at a third of its cost."""
        if request._request.META.get("CONTENT_LENGTH") in (None, "", "0"):
            return {}
        parser = AlwaysJSON().select_parser(request, request.parsers or ())
        if parser is None:
            raise UnsupportedMediaType(request.content_type or "")
        found: dict[str, Any] = parser.parse(None, None, {"request": request._request})
        return found

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer; where the database went away before anything was written, once more on another connection."""
        with first_attempt(), suppress(_Again):
            return super().dispatch(request, *args, **kwargs)
        connection.close()
        return super().dispatch(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        if may_begin_anew() and is_away(exc) and not connection.in_atomic_block and _can_be_read_again(self.request):
            log.info("request_begins_anew", error=type(exc.__cause__ or exc).__name__)
            raise _Again from exc
        return super().handle_exception(exc)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who calls. What DRF asks besides, versions, permissions and throttles, no door has."""
        sent = request._request
        # An unknown method is 405 before anything else is asked; it tells nobody anything.
        method = (sent.method or "").lower()
        if method not in self.http_method_names or not hasattr(self, method):
            self.http_method_not_allowed(request)
        self.perform_authentication(request)
        # Decoded it would part the path in another place than its sender, or a proxy's rules, meant.
        # Of a target in absolute form too, which has no path that could be signed.
        if not self.takes_encoded_slashes and "%2f" in sent.META.get("RAW_URI", "").partition("?")[0].lower():
            raise NotFound("There is nothing at this path: it has an encoded slash, which no id has.")

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response.headers.pop("Vary", None)
        return response


class UnknownPath(DoorView):
    """Answers 404 in the door's form, for every method and path that no other route takes."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this path.")

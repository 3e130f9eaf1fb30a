"""Leads each request through the layers that it needs: partners' programs not through the console's.

Sessions, CSRF, messages and static files are a browser's matter, and cost a call at a door as much as its own work.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, get_script_name
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, resolve, set_script_prefix
from django.utils.module_loading import import_string

from credservice.http.context import RequestContextMiddleware
from credservice.metrics import MetricsMiddleware

_DOORS = re.compile(r"/(?:credential-exchange|v1|osb|api/v1)(?:/|$)")
# One view takes every path of this door, and parts it itself.
_OF_ONE_VIEW = "/osb/"
# From the outermost inwards, as MIDDLEWARE has them.
_LAYERS: tuple[Callable[..., Any], ...] = (MetricsMiddleware, RequestContextMiddleware, SecurityMiddleware)


@lru_cache(maxsize=256)
def _resolve(path: str) -> ResolverMatch:
    """Find the view of a path; MindCloud's calls all have the same one."""
    return resolve(path)


class TwoWays(BaseHandler):
    """Chooses the way by the path, once, before any layer."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        to_console: Any = self._middleware_chain  # type: ignore[has-type] # what Django has just made
        to_door: Any = convert_exception_to_response(self._call_view)
        # Outermost, where requests are traced. It is not to be had where the extra is not installed.
        traced = (import_string(settings.SPANS),) if settings.OTEL_EXPORTER_OTLP_ENDPOINT else ()
        for layer in reversed((*traced, *_LAYERS)):
            to_door = convert_exception_to_response(layer(to_door))

        def choose(request: HttpRequest) -> HttpResponseBase:
            is_of_door = _DOORS.match(request.path_info)
            if not is_of_door:
                connection.close_if_away()  # type: ignore[attr-defined] # of our backend; a door begins anew instead
            answered: HttpResponseBase = (to_door if is_of_door else to_console)(request)
            return answered

        self._middleware_chain = choose

    def _call_view(self, request: HttpRequest) -> HttpResponseBase:
        request.get_host()  # raises DisallowedHost, as CommonMiddleware does for the console
        path = request.path_info
        found = request.resolver_match = _resolve(_OF_ONE_VIEW if path.startswith(_OF_ONE_VIEW) else path)
        response: Any = found.func(request, *found.args, **found.kwargs)
        if hasattr(response, "render"):
            response = response.render()
        if not response.streaming:
            response["Content-Length"] = str(len(response.content))
        answered: HttpResponseBase = response
        return answered


class Application(TwoWays, WSGIHandler):
    """The application that a WSGI server calls."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if not _DOORS.match(environ["PATH_INFO"]):
            return super().__call__(environ, start_response)
        # As Django does, but for its signal, whose receivers ask each cache and connection.
        set_script_prefix(get_script_name(environ))
        request = self.request_class(environ)
        response: Any = self.get_response(request)
        cookies = [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", [*response.items(), *cookies])
        return response if response.streaming else _Answered(response)


class _Answered:
    """Ends an answer as Django does, but for that signal too."""

    def __init__(self, response: HttpResponse) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return iter((self._response.content,))

    def close(self) -> None:
        for closer in self._response._resource_closers:  # type: ignore[attr-defined]
            with contextlib.suppress(Exception):
                closer()
        connection.close_if_unusable_or_obsolete()

"""Makes spans of requests: what is shown of one is its route. Loaded only where traces are asked for."""

import re
from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from opentelemetry.trace import Span, StatusCode

from credservice.core import tracing
from credservice.core.spans import within
from credservice.http.client_address import is_from_proxy

PROBES = ("/healthz", "/readyz", "/metrics")
_OF_ROUTES = (
    (re.compile(r"\(\?[=!][^)]*\)"), ""),  # what looks ahead
    (re.compile(r"\(\?P(<\w+>)(?:[^()]|\([^()]*\))*\)"), r"\1"),
    (re.compile(r"<(?:\w+:)?(\w+)>"), r"{\1}"),
    (re.compile(r"/\?\\Z|\\Z|[\^$]"), ""),
)


class RequestSpans:
    """Makes a span of each request. Outermost of the layers.

    Of a trusted proxy's it goes on with the trace that ``traceparent`` names. Anybody else's may say neither what is
    recorded nor in whose trace; and nobody's ``tracestate`` is taken, which would be passed on to whom we call.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            return self.get_response(request)
        traceparent = request.META.get("HTTP_TRACEPARENT") if is_from_proxy(request) else None
        with within(traceparent), tracing.span("request", "server") as made:
            response = self.get_response(request)
            if made is not None:
                _describe(made, request, response)
        return response


def _describe(made: Span, request: HttpRequest, response: HttpResponse) -> None:
    """Tell the route, which holds no id and no value, the status, and the request's id, which finds it in the trail."""
    method = request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "_OTHER"
    route = _readable(request.resolver_match.route) if request.resolver_match else ""
    made.update_name(f"{method} {route}".rstrip())
    made.set_attributes(
        {
            "http.request.method": str(method),
            "http.route": route,
            "http.response.status_code": response.status_code,
            "credservice.request_id": response.get("X-Request-ID", ""),
        }
    )
    if response.status_code >= 500:
        made.set_status(StatusCode.ERROR)


@lru_cache(maxsize=1024)
def _readable(route: str) -> str:
    """Write a route of Django's, which may be a regular expression, as ``/v1/resources/{partner_id}``."""
    for pattern, instead in _OF_ROUTES:
        route = pattern.sub(instead, route)
    return f"/{route}"

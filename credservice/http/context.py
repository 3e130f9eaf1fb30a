"""Tells every layer about the request in hand: its id and where it came from."""

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import partial

import structlog
from django.http import HttpRequest, HttpResponse

from credservice.http.client_address import client_address, is_from_proxy, is_of_unknown_proxy

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


@dataclass(frozen=True)
class RequestContext:
    request_id: str = ""
    source: str | None = None
    network_source: str | None = None  # the same for checks against networks: unknown where it may be a proxy's
    # What every line in the trail about this request says besides: partners' ids, the key that signed. No secrets.
    facts: dict[str, str] = field(default_factory=dict)
    left: list[Callable[[], None]] = field(default_factory=list)  # work for after the answer
    request: HttpRequest | None = None


_NO_REQUEST = RequestContext()
_context: ContextVar[RequestContext] = ContextVar("request_context", default=_NO_REQUEST)


def current_context() -> RequestContext:
    """Return the request being answered; empty outside of one (commands, jobs)."""
    return _context.get()


def note(**facts: str) -> None:
    """Have the lines in the trail that this request causes say this as well. Without effect outside of a request."""
    context = _context.get()
    if context is not _NO_REQUEST:
        context.facts.update(facts)


def after_answer(work: Callable[[], None]) -> None:
    """Have ``work`` done once the answer is sent, with this context; at once where no request is answered.

    For what a caller must not be able to tell from the time that the answer takes. An error of it reaches nobody.
    """
    context = _context.get()
    if context is _NO_REQUEST:
        work()
    else:
        context.left.append(partial(copy_context().run, work))


class RequestContextMiddleware:
    """Give each request an id, kept from ``X-Request-ID`` where it has a sound form, and send it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_from_proxy(request):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)  # Django believes anybody: SECURE_PROXY_SSL_HEADER
        request_id = request.META.get("HTTP_X_REQUEST_ID", "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = secrets.token_hex(16)
        source = client_address(request)
        context = RequestContext(request_id, source, None if is_of_unknown_proxy(request) else source, request=request)
        token = _context.set(context)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            response = self.get_response(request)
        finally:
            _context.reset(token)
            structlog.contextvars.unbind_contextvars("request_id")
        # How Django closes a request with its answer: after the last byte, before the connection to the database.
        response._resource_closers.extend(context.left)  # type: ignore[attr-defined]
        response["X-Request-ID"] = request_id
        if request.method == "HEAD" and not response.streaming:
            response.content = b""  # RFC 9110, 9.3.2; the server would log each body that it has to drop
        return response

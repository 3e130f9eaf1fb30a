"""Gives every route of the vendor API its token check with scopes, a rate limit, and problem documents."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ErrorDetail, MethodNotAllowed, NotAcceptable, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.mediatypes import media_type_matches

from credservice.audit import Line, record_refusal
from credservice.core.exceptions import Forbidden, NotFound, ServiceError, Unauthenticated
from credservice.http.context import current_context
from credservice.http.views import AlwaysJSON, DoorView
from credservice.limits.counter import Window, count, refuse_past
from credservice.vendor_api import etags
from credservice.vendor_api.idempotency import Answer, Deferred, once
from credservice.vendor_api.models import Scope, ServiceToken
from credservice.vendor_api.operations import Operation, checked_body, checked_query, operation_of, trusted_of
from credservice.vendor_api.problems import MEDIA_TYPE, problem
from credservice.vendor_api.schema import VendorSchema
from credservice.vendor_api.tokens import authenticate

_BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)  # blanks that are none are no part of a token
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Caller:
    """The token that calls, as the trail names it."""

    token: ServiceToken

    @property
    def actor(self) -> str:
        return f"token:{self.token.name}"


class BearerToken(BaseAuthentication):
    """``Authorization: Bearer cst_...`` (RFC 6750)."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        match = _BEARER.fullmatch(request.headers.get("Authorization", ""))
        if match is None:
            raise Unauthenticated("no_token")
        return None, Caller(authenticate(match[1], current_context().network_source))


class JSONOrNothing(AlwaysJSON):
    """Refuses a client of ours that accepts no JSON; partners' doors are more patient."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        accepted = request.headers.get("Accept") or "*/*"
        ranges = [part.split(";")[0].strip() for part in accepted.split(",")]
        if not any(_accepts_json(each) for each in ranges):
            raise NotAcceptable("The answer is JSON: accept application/json.")
        return super().select_renderer(request, renderers, format_suffix)


def _refuse_broken_path(request: Request, *names: Any) -> None:
    """Refuse a path that no object has. Django shows a byte that is no UTF-8 as its escape, ``%FF``, which would be the
    path of another object, ``%25FF``; and no id has an unprintable character."""
    path = request.META["RAW_URI"].partition("?")[0]  # as it was sent, its bytes as Latin-1
    try:
        unquote_to_bytes(path.encode("latin-1")).decode()
    except UnicodeError:
        raise NotFound("There is nothing of this name: the path is not UTF-8.") from None
    if not all(str(name).isprintable() for name in names):
        raise NotFound("There is nothing of this name: it holds a character that no id has.")


def _accepts_json(media_range: str) -> bool:
    return any(media_type_matches(each, media_range) for each in ("application/json", MEDIA_TYPE) if "/" in media_range)


class VendorView(DoorView):
    """A route of the vendor API. Its methods are marked by ``operations.reads`` and ``operations.writes``.

    While one runs, ``body`` and ``params`` hold what was sent, checked. A write runs in one transaction; where
    something has to follow its commit, such as calling an issuer, it returns a :class:`Deferred`.
    """

    authentication_classes = [BearerToken]
    content_negotiation_class = JSONOrNothing
    schema = VendorSchema()

    body: Mapping[str, Any]
    params: Mapping[str, Any]
    window: Window | None = None

    @property
    def caller(self) -> Caller:
        caller = self.request.auth
        assert isinstance(caller, Caller)
        return caller

    @property
    def actor(self) -> str:
        return self.caller.actor

    def perform_authentication(self, request: Request) -> None:
        """Refuse first, by 406, whoever takes no form of answer that there is."""
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        super().perform_authentication(request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        token = self.caller.token
        self.window = count(f"token:{token.pk}")
        refuse_past(token.requests_per_minute, self.window)
        operation = operation_of(self, request.method or "")
        assert operation is not None, "every method of a route is marked"
        _ = request._request.body  # of forms, DRF reads as much as is sent; this refuses a long one with 413
        self._require_scope(operation, operation.scope)
        if operation.parses:
            _refuse_broken_path(request, *kwargs.values())

    def _require_scope(self, operation: Operation, scope: Scope, what: str = "") -> None:
        if scope not in self.caller.token.scopes:
            self.record_missing_scope(operation.name, scope)
            raise Forbidden(f"This token lacks the scope {scope.value}{what}.", code="missing_scope")

    def record_missing_scope(self, operation: str, scope: Scope) -> None:
        detail = {"operation": operation, "scope": scope.value}
        record_refusal(Line("vendor_api.call", self.actor, reason="missing_scope", detail=detail))

    def run(self, operation: Operation, handler: Callable[[], Answer]) -> Response:
        self.params = checked_query(operation, self.request)
        self.body = checked_body(operation, self.request)
        named = trusted_of(operation) & set(self.request.data) if self.body else None
        if named:
            self._require_scope(operation, Scope.WRITE_TRUST, f", which {', '.join(sorted(named))} needs")
        if operation.writes:
            return once(self.request, self.caller.token, handler)
        response = handler()
        assert not isinstance(response, Deferred), "only a write defers"
        return response

    def shown(self, body: Mapping[str, Any], *, status: int = 200, location: str | None = None) -> Response:
        """Answer one object with its ETag, or 304 where a GET's caller has it."""
        etag = etags.etag_of(body)
        headers = {"ETag": etag} | ({"Location": location} if location else {})
        if self.request.method == "GET" and etags.is_unchanged(self.request._request, etag):
            return Response(status=304, headers=headers)
        return Response(body, status=status, headers=headers)

    def require_match(self, body: Mapping[str, Any] | None) -> None:
        """See :func:`etags.require_match`; ``body`` is the object as it is shown, locked."""
        etags.require_match(self.request._request, body)

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, Unauthenticated):
            record_refusal(Line("vendor_api.call", "vendor_api", reason=error.reason))
        self._tell_what_goes(error)
        response = super().handle_exception(error)
        response.content_type = MEDIA_TYPE
        if response.status_code == 401:
            response["WWW-Authenticate"] = 'Bearer realm="credservice"'
        return response

    def _tell_what_goes(self, error: Exception) -> None:
        """Replace DRF's messages, which tell what was sent, with ones that tell what is allowed."""
        if isinstance(error, MethodNotAllowed):
            error.detail = ErrorDetail(f"This path takes {', '.join(self.allowed_methods)}.")
        if isinstance(error, UnsupportedMediaType):
            sent = (self.request.content_type or "").partition(";")[0].strip()
            known = _MEDIA_TYPE.fullmatch(sent)
            said = f"This was sent as {sent}." if known else "The Content-Type is missing or malformed."
            wanted = " or ".join(each.media_type for each in self.parser_classes)
            error.detail = ErrorDetail(f"{said} Send {wanted}.")

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.window is not None:
            limit, left = self.caller.token.requests_per_minute, self.window.seconds_left
            # draft-ietf-httpapi-ratelimit-headers-10
            response["RateLimit-Policy"] = f'"token";q={limit};w=60'
            response["RateLimit"] = f'"token";r={max(0, limit - self.window.calls)};t={left}'
        return response

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return problem(error, current_context().request_id)


class UnknownRoute(VendorView):
    """Answers 404 as a problem document, also without a token: it tells nothing."""

    authentication_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is no such route.")

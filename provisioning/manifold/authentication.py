"""Authenticates requests by the marketplace's signature."""

from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest
from django.utils import timezone

from credservice.core.exceptions import Unauthenticated
from credservice.http.raw_target import raw_target
from provisioning.caller import Caller
from provisioning.manifold.signatures.live_keys import identify
from provisioning.manifold.signatures.verify import BadSignature, SignedRequest, verify_request
from provisioning.services.bindings import Found

# WSGI keeps these two out of the headers' namespace.
_PLAIN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def authenticate(request: HttpRequest, asked: Callable[[], tuple[str, str] | None]) -> tuple[Caller, Found | None]:
    """Find out which marketplace made the request, and what the same look-up found of what it has ``asked`` for.

    Raises Unauthenticated: every failure is the same 401; the reason goes to the trail.
    """
    now = timezone.now()
    try:
        # The request's own signature comes first: what nobody has signed does not reach the database.
        signature = verify_request(as_sent(request), now)
        return identify(signature, now, asked())
    except BadSignature as error:
        raise Unauthenticated(error.reason, claimed=error.claimed) from None


@lru_cache(maxsize=256)
def _environ_name(header: str) -> str:
    return _PLAIN.get(header) or f"HTTP_{header.upper().replace('-', '_')}"


def as_sent(request: HttpRequest) -> SignedRequest:
    """Give the request before any decoding. Raises RequestDataTooBig for a body over the limit."""
    path, query = raw_target(request)
    meta: dict[str, str] = request.META

    def header(name: str) -> str | None:
        return meta.get(_environ_name(name))

    return SignedRequest(request.method or "", path, query, header, request.body)

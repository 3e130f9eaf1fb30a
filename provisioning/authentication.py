"""DRF's authentication by the marketplace's signature."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from credservice.exceptions import Unauthenticated
from credservice.http.raw_target import raw_target
from provisioning.live_keys import Caller, identify
from provisioning.signing import BadSignature, SignedRequest, verify_request

# WSGI keeps these two out of the headers' namespace.
_PLAIN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class MarketplaceAuthentication(BaseAuthentication):
    """``request.auth`` is the :class:`Caller`. Every failure is the same 401; the reason goes to the trail."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        now = timezone.now()
        try:
            # The request's own signature comes first: what nobody has signed does not reach the database.
            signature = verify_request(as_sent(request), now)
            return None, identify(signature, now)
        except BadSignature as error:
            raise Unauthenticated(error.reason) from None

    def authenticate_header(self, request: Request) -> str:
        return "X-Signature"


def as_sent(request: Request) -> SignedRequest:
    """The request before any decoding. Raises RequestDataTooBig for a body over the limit."""
    path, query = raw_target(request)
    meta: dict[str, str] = request.META

    def header(name: str) -> str | None:
        return meta.get(_PLAIN.get(name) or f"HTTP_{name.upper().replace('-', '_')}")

    return SignedRequest(request.method or "", path, query, header, request.body)

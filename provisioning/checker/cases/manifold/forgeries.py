"""Makes requests that only look signed. Each takes the unsigned request and the good live key.

None means that this request cannot carry the forgery: one without a body, or without callback headers.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioning.checker.keys import LiveKey, MasterKey
from provisioning.checker.messages import Request
from provisioning.checker.provider import date_header
from provisioning.checker.signer import SIGNED_HEADERS, sign

Forgery = Callable[[Request, LiveKey], Request | None]

OUTSIDE = timedelta(minutes=10)
OTHER_CALLBACK_URL = "http://callbacks.example/v1/callbacks/someone-elses"


def unsigned(request: Request, live: LiveKey) -> Request:
    return request


def malformed(request: Request, live: LiveKey) -> Request:
    signed = sign(request, live)
    return signed.with_header("X-Signature", signed.values("X-Signature")[0].rpartition(" ")[0])


def random_signature(request: Request, live: LiveKey) -> Request:
    return sign(request, live).with_header("X-Signature", live.signature(secrets.token_bytes(64)))


def unknown_master(request: Request, live: LiveKey) -> Request:
    return sign(request, LiveKey.endorsed_by(MasterKey.generate()))


def borrowed_endorsement(request: Request, live: LiveKey) -> Request:
    return sign(request, LiveKey(Ed25519PrivateKey.generate(), live.endorsement))


def broken_endorsement(request: Request, live: LiveKey) -> Request:
    # What the marketplace's own checker sends as its bad signature.
    return sign(request, LiveKey(Ed25519PrivateKey.generate(), b"not-valid"))


def stale(request: Request, live: LiveKey) -> Request:
    return sign(_dated(request, -OUTSIDE), live)


def future(request: Request, live: LiveKey) -> Request:
    return sign(_dated(request, OUTSIDE), live)


def no_date(request: Request, live: LiveKey) -> Request:
    return sign(request.without_header("Date"), live)


def bad_date(request: Request, live: LiveKey) -> Request:
    return sign(request.with_header("Date", "yesterday"), live)


def no_signed_headers(request: Request, live: LiveKey) -> Request:
    return sign(request, live).without_header("X-Signed-Headers")


def other_body(request: Request, live: LiveKey) -> Request | None:
    # White space in place of the line end: the same JSON, so that nothing but the signature is wrong with it.
    return replace(sign(request, live), body=request.body[:-1] + b" ") if request.body else None


def other_query(request: Request, live: LiveKey) -> Request:
    signed = sign(request, live)
    return replace(signed, target=f"{signed.target}{'&' if '?' in signed.target else '?'}added=1")


def other_path(request: Request, live: LiveKey) -> Request:
    return _signed_as(request, live, replace(request, target="/v1/other" + request.target))


def other_method(request: Request, live: LiveKey) -> Request:
    return _signed_as(request, live, replace(request, method="HEAD"))


def other_host(request: Request, live: LiveKey) -> Request:
    return _signed_as(request, live, request.with_header("Host", "other-provider.example"))


def other_callback(request: Request, live: LiveKey) -> Request | None:
    if not request.values("X-Callback-URL"):
        return None
    return sign(request, live).with_header("X-Callback-URL", OTHER_CALLBACK_URL)


def host_not_signed(request: Request, live: LiveKey) -> Request | None:
    return _without_signing(request, live, "host")


def date_not_signed(request: Request, live: LiveKey) -> Request | None:
    return _without_signing(request, live, "date")


def content_not_signed(request: Request, live: LiveKey) -> Request | None:
    return _without_signing(request, live, "content-type", "content-length")


def callback_not_signed(request: Request, live: LiveKey) -> Request | None:
    return _without_signing(request, live, "x-callback-id", "x-callback-url")


def _dated(request: Request, offset: timedelta) -> Request:
    return request.with_header("Date", date_header(datetime.now(UTC) + offset))


def _signed_as(request: Request, live: LiveKey, other: Request) -> Request:
    """Send the request under the signature that `other` would have."""
    signature = sign(other, live)
    for name in ("X-Signed-Headers", "X-Signature"):
        request = request.with_header(name, signature.values(name)[0])
    return request


def _without_signing(request: Request, live: LiveKey, *left_out: str) -> Request | None:
    if not request.values(left_out[0]):
        return None
    return sign(request, live, [name for name in SIGNED_HEADERS if request.values(name) and name not in left_out])

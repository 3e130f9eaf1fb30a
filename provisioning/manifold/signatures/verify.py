"""Verifies the marketplace's request signatures: an Ed25519 chain of trust, master key to live key to request.

Pure functions over the request as it was sent; no app registry needed. Source: manifold-provider-api.yaml,
"Authentication". Every failure is a :class:`BadSignature`, whose reason is for our trail, never for the caller.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provisioning.rfc3339 import parse_rfc3339

# "within 5 minutes of the current time" ("Verify the Request Age").
TOLERANCE = timedelta(minutes=5)
# Exactly this form, so that a repeated header, which the server joins by a comma, is refused with the others.
_SIGNATURE = re.compile(r"([A-Za-z0-9_-]{86}) ([A-Za-z0-9_-]{43}) ([A-Za-z0-9_-]{86})")
_SIGNED_HEADERS = re.compile(r"[a-z0-9-]+(?: [a-z0-9-]+)*")
_ALWAYS_SIGNED = ("host", "date")
_SIGNED_WITH_BODY = ("content-type", "content-length")
_SIGNED_WHERE_SENT = ("x-callback-id", "x-callback-url")
_JOINED = re.compile(r",(?! )")
# A marketplace signs with the same live key for hours, and decoding its point costs a fifth of a check.
_key = lru_cache(maxsize=64)(Ed25519PublicKey.from_public_bytes)


class BadSignature(Exception):
    """The request is not the marketplace's, or not from now. ``reason`` is a word for the trail, ``claimed`` the
    marketplace whose key was good before."""

    def __init__(self, reason: str, claimed: str = "") -> None:
        super().__init__(reason)
        self.reason, self.claimed = reason, claimed


@dataclass(frozen=True)
class SignedRequest:
    """A request as it was sent. ``header`` gives a header's value by its lower-case name, ``None`` where not sent."""

    method: str
    path: str
    query: str  # without "?", not decoded
    header: Callable[[str], str | None]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Signature:
    """``X-Signature``: the request's signature, the live public key, the master key's endorsement of it."""

    request: bytes
    live_key: str  # base64url without padding, as it is stored
    endorsement: str

    @property
    def live_key_bytes(self) -> bytes:
        return decode(self.live_key)


def verify_request(request: SignedRequest, now: datetime) -> Signature:
    """Return the signature of a request that the live key in it has signed within five minutes of ``now``.

    Whether that live key is to be trusted is :func:`endorses`'s and the caller's to say. Raises BadSignature.
    """
    signature = parse_signature(request.header("x-signature") or "")
    check_age(request.header("date") or "", now)
    names = signed_headers(request)
    check_length(request)
    key = _key(signature.live_key_bytes)
    if not any(_verifies(key, signature.request, form) for form in canonical_forms(request, names)):
        raise BadSignature("wrong_signature")
    return signature


def endorses(master_key: str, signature: Signature) -> bool:
    """Tell whether this master key (base64url) signed the live key in ``signature``."""
    key = _key(decode(master_key))
    return _verifies(key, decode(signature.endorsement), signature.live_key_bytes)


def parse_signature(text: str) -> Signature:
    match = _SIGNATURE.fullmatch(text)
    if match is None:
        raise BadSignature("no_signature" if not text else "malformed_signature")
    request, live_key, endorsement = match.groups()
    try:
        decode(endorsement), decode(live_key)
        return Signature(decode(request), live_key, endorsement)
    except ValueError:
        raise BadSignature("malformed_signature") from None


def check_age(date: str, now: datetime) -> None:
    try:
        sent = parse_rfc3339(date)
    except ValueError:
        raise BadSignature("malformed_date" if date else "no_date") from None
    if abs(now - sent) > TOLERANCE:
        raise BadSignature("stale_date" if sent < now else "future_date")


def signed_headers(request: SignedRequest) -> list[str]:
    """List the names in ``X-Signed-Headers``, where they hold all that must be signed.

    Delimited by a space, as sent, not by a comma, as the parameter's description says (docs/protocols/manifold.md).
    """
    listed = request.header("x-signed-headers") or ""
    if not _SIGNED_HEADERS.fullmatch(listed):
        raise BadSignature("malformed_signed_headers")
    names = listed.split(" ")
    if len(set(names)) < len(names):
        raise BadSignature("header_signed_twice")
    if any(name not in names or not request.header(name) for name in _required(request)):
        raise BadSignature("header_not_signed")
    return names


def check_length(request: SignedRequest) -> None:
    # Fewer bytes than announced were read where the connection broke, or where a proxy meant something else.
    if request.body and request.header("content-length") != str(len(request.body)):
        raise BadSignature("wrong_content_length")


def canonical_forms(request: SignedRequest, names: list[str]) -> Iterator[bytes]:
    """Yield what may have been signed ("Create the Canonical Form of the Request").

    "If the header occurs multiple times on the request, the values are included delimited by `, `": the server has
    joined them by a comma alone. Whether that comma was inside one value cannot be told, so both are tried; they
    mean the same (RFC 9110, section 5.3).
    """
    values = {name: (request.header(name) or "").strip(" \t") for name in [*names, "x-signed-headers"]}
    yield _canonical_form(request, values)
    spread = {name: _JOINED.sub(", ", value) for name, value in values.items()}
    if spread != values:
        yield _canonical_form(request, spread)


def _canonical_form(request: SignedRequest, values: dict[str, str]) -> bytes:
    query = "&".join(sorted(request.query.split("&")))
    target = f"{request.method.lower()} {request.path}{'?' if query else ''}{query}\n"
    lines = "".join(f"{name}: {value}\n" for name, value in values.items())
    try:
        # The server reads the header's bytes as Latin-1.
        return (target + lines).encode("latin-1") + request.body
    except UnicodeEncodeError:
        raise BadSignature("malformed_header") from None


def _required(request: SignedRequest) -> Iterator[str]:
    yield from _ALWAYS_SIGNED
    if request.body:
        yield from _SIGNED_WITH_BODY
    for name in _SIGNED_WHERE_SENT:
        if request.header(name) is not None:
            yield name


def _verifies(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def decode(text: str) -> bytes:
    """Decode unpadded base64url in its one canonical spelling. Raises ValueError for any other."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parse_public_key(text: str) -> str:
    """Bring a public key in base64, either alphabet, padded or not, into the stored form: base64url without padding.

    Raises ValueError where it is not 32 bytes.
    """
    plain = text.strip().rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if len(raw) != 32:
        raise ValueError(f"{len(raw)} bytes; an Ed25519 public key has 32")
    return encode(raw)

"""Reads, checks and makes MindCloud's request signatures. Pure functions; importing this needs no app registry.

Source: reference "Set Up Credential Exchange", step 3.3: ``X-Signature`` is made by hashing
``{timestamp}\\n{method}\\n{path}`` using SHA-256 with the shared secret. What that leaves open is the platform's
signature profile (docs/protocols/mindcloud.md).
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from exchange.signatures.header import Malformed, Signatures, parse_signatures, plain_form, structured_form
from exchange.signatures.timestamps import parse_timestamp

SIGNATURE_HEADER = "X-Signature"

Construct = Callable[[bytes, bytes], bytes]

# By the names that Platform.construction has. The secret never comes first in a plain hash: whoever holds one such
# digest can extend its message without knowing the secret.
CONSTRUCTIONS: Mapping[str, Construct] = {
    "hmac-sha256": lambda secret, message: hmac.digest(secret, message, "sha256"),
    "sha256-message-secret": lambda secret, message: hashlib.sha256(message + secret).digest(),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """The choices that the document leaves open, as one platform makes them. The fields are those of ``Platform``."""

    construction: str = "hmac-sha256"
    timestamp_header: str = "X-Timestamp"  # empty: inside X-Signature, as t=...,v1=...
    signed_path: str = "path"  # or "target": with the query
    public_prefix: str = ""  # signed by the platform, stripped by a proxy before us
    lower_case_method: bool = False
    tolerance_seconds: int = 300


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it was sent: target before any decoding, headers as in a WSGI environment."""

    method: str
    path: str
    query: str
    environ: Mapping[str, Any] = field(repr=False)

    def header(self, name: str) -> str | None:
        return self.environ.get("HTTP_" + name.upper().replace("-", "_"))


@dataclass(frozen=True, slots=True)
class Secret:
    """A shared secret that signatures may be made with. ``text`` is the bytes of what stands in the modal."""

    id: UUID
    text: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check. ``reason``, empty where the signature holds, is for the trail, never for the caller."""

    reason: str
    secret_id: UUID | None = None
    signature: bytes = field(default=b"", repr=False)  # the digest that matched
    clock_difference: float | None = None  # seconds that the timestamp is ahead of us

    @property
    def ok(self) -> bool:
        return not self.reason


def verify(request: SignedRequest, profile: Profile, secrets: Sequence[Secret], now: float) -> Verdict:
    """Check the signature of ``request`` against every secret. ``now`` is in seconds since 1970."""
    if not request.path:
        return Verdict("unusable_target")
    try:
        sent, moment = read_headers(request, profile)
    except Malformed as error:
        return Verdict(error.reason)
    message = canonical(request, profile, sent.timestamp)
    matched = match(sent.digests, message, profile.construction, secrets)
    if matched is None:
        return Verdict("wrong_signature" if secrets else "no_live_secret", clock_difference=moment - now)
    secret_id, digest = matched
    return Verdict(_clock_reason(moment - now, profile.tolerance_seconds), secret_id, digest, moment - now)


def read_headers(request: SignedRequest, profile: Profile) -> tuple[Signatures, float]:
    """Read the digests and timestamp sent, and the moment that it names. Raises :class:`Malformed` with the reason."""
    header = request.header(SIGNATURE_HEADER)
    if not header:
        raise Malformed("missing_signature")
    sent = parse_signatures(header)
    if profile.timestamp_header:
        if sent.timestamp:
            raise Malformed("timestamp_inside_signature")
        timestamp = request.header(profile.timestamp_header)
        if not timestamp:
            raise Malformed("missing_timestamp")
        sent = Signatures(sent.digests, timestamp)
    elif not sent.timestamp:
        raise Malformed("missing_timestamp")
    return sent, parse_timestamp(sent.timestamp)


def canonical(request: SignedRequest, profile: Profile, timestamp: str) -> bytes:
    """Build ``{timestamp}\\n{method}\\n{path}``, each byte for byte as it was sent."""
    method = request.method.lower() if profile.lower_case_method else request.method.upper()
    target = request.path
    if profile.signed_path == "target" and request.query:
        target += "?" + request.query
    # WSGI passes bytes as Latin-1 text (PEP 3333); the prefix is a text of ours.
    return f"{timestamp}\n{method}\n".encode("latin-1") + profile.public_prefix.encode() + target.encode("latin-1")


def match(
    digests: Sequence[bytes], message: bytes, construction: str, secrets: Sequence[Secret]
) -> tuple[UUID, bytes] | None:
    """Find the secret that made one of ``digests``. Every pair is compared: time tells nothing of which it was."""
    construct, found = CONSTRUCTIONS[construction], None
    for secret in secrets:
        expected = construct(secret.text, message)
        for digest in digests:
            if hmac.compare_digest(expected, digest):
                found = secret.id, expected
    return found


def sign(*, method: str, path: str, query: str = "", timestamp: str, profile: Profile, secret: bytes) -> dict[str, str]:
    """Make the headers that the platform adds to a request for ``path``; the digest is in hexadecimal."""
    request = SignedRequest(method, path, query, {})
    digest = CONSTRUCTIONS[profile.construction](secret, canonical(request, profile, timestamp))
    if not profile.timestamp_header:
        return {SIGNATURE_HEADER: structured_form(digest, timestamp)}
    return {SIGNATURE_HEADER: plain_form(digest), profile.timestamp_header: timestamp}


def _clock_reason(difference: float, tolerance: int) -> str:
    if difference < -tolerance:
        return "stale_timestamp"
    return "future_timestamp" if difference > tolerance else ""


def as_environ(headers: Mapping[str, str]) -> dict[str, str]:
    """Name headers as in a WSGI environment (PEP 3333)."""
    return {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}

"""Lists what a caller may have signed instead: other settings of ours, the secret in another form, another address."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any

from exchange.signatures.header import Malformed
from exchange.signatures.timestamps import parse_timestamp
from exchange.signatures.verify import CONSTRUCTIONS, Profile, Secret, SignedRequest

MAX_TIMESTAMP_HEADERS = 10  # of one call, that are looked at and kept
_HEADER = re.compile(r"HTTP_[A-Z0-9_]{1,64}")  # that Platform.timestamp_header can name
PREFIX_HEADER = "X-Forwarded-Prefix"
# What a person is told, by the names that the settings have.
CONSTRUCTION_NAMES = {
    "hmac-sha256": "HMAC-SHA256(secret, message)",
    "sha256-message-secret": "SHA-256(message + secret)",
}
SIGNED_PATH_NAMES = {"path": "Path as sent, without the query", "target": "Path and query as sent"}


@dataclass(frozen=True)
class Attempt:
    """One thing that differs, with the sentence that says what to do about it."""

    sentence: str
    request: SignedRequest
    profile: Profile
    secrets: Sequence[Secret] = field(repr=False)
    settings: dict[str, Any] = field(default_factory=dict)  # of Platform, where it is ours to change


def attempts(request: SignedRequest, profile: Profile, secrets: Sequence[Secret], public_url: str) -> Iterator[Attempt]:
    """Yield each, what one of our settings would mend first. ``public_url`` is what our addresses begin with."""
    for sentence, other in _other_profiles(request, profile):
        yield Attempt(sentence, request, other, secrets, _differing(profile, other))
    for sentence, path in _other_paths(request, profile, public_url):
        yield Attempt(sentence, replace(request, path=path), replace(profile, public_prefix=""), secrets)
    others = [(sentence, replace(secret, text=text)) for secret in secrets for sentence, text in _other_forms(secret)]
    for sentence, changed in others:
        yield Attempt(sentence, request, profile, [changed])


def _differing(profile: Profile, other: Profile) -> dict[str, Any]:
    before = asdict(profile)
    return {name: value for name, value in asdict(other).items() if value != before[name]}


def _other_profiles(request: SignedRequest, profile: Profile) -> Iterator[tuple[str, Profile]]:
    """Yield each profile that differs from ``profile`` in one setting, with the sentence that says which."""
    for construction in CONSTRUCTIONS:
        if construction != profile.construction:
            yield (
                f"Set the construction to {CONSTRUCTION_NAMES[construction]}.",
                replace(profile, construction=construction),
            )
    other_path = "path" if profile.signed_path == "target" else "target"
    yield f"Set the signed path to {SIGNED_PATH_NAMES[other_path]}.", replace(profile, signed_path=other_path)
    case = "upper" if profile.lower_case_method else "lower"
    yield (
        f"Set the method to {case} case.",
        replace(profile, lower_case_method=not profile.lower_case_method),
    )
    for header in [*timestamp_headers(request), ""]:
        if header.lower() != profile.timestamp_header.lower():
            where = f"header to {header}" if header else "header to empty: it is inside X-Signature"
            yield f"Set the timestamp {where}.", replace(profile, timestamp_header=header)
    for prefix in _prefixes(request):
        if prefix != profile.public_prefix:
            sentence = f"Set the public prefix to {prefix}." if prefix else "Empty the public prefix."
            yield sentence, replace(profile, public_prefix=prefix)


def timestamp_headers(request: SignedRequest) -> list[str]:
    """List the call's headers that read as a timestamp, in whatever form we take: the first few that it has."""
    names = (key for key, text in request.environ.items() if _HEADER.fullmatch(key) and _is_timestamp(text))
    return [name.removeprefix("HTTP_").replace("_", "-").title() for name in islice(names, MAX_TIMESTAMP_HEADERS)]


def _is_timestamp(text: str) -> bool:
    try:
        parse_timestamp(text)
    except Malformed:
        return False
    return True


def _prefixes(request: SignedRequest) -> list[str]:
    """List prefixes that may have been stripped: none, what a proxy says it took, and those that are common."""
    said = request.header(PREFIX_HEADER) or ""
    return list(dict.fromkeys(["", said.rstrip("/"), "/api", "/v1", "/api/v1", "/partners", "/integrations"]))


def _other_paths(request: SignedRequest, profile: Profile, public_url: str) -> Iterator[tuple[str, str]]:
    path = profile.public_prefix + request.path
    host = request.header("Host")
    bases = [public_url.rstrip("/"), *([f"https://{host}", f"http://{host}"] if host else [])]
    for url in dict.fromkeys(f"{base}{each}" for base in bases for each in (path, request.path)):
        yield "The signature is of the full URL. Have the platform sign the path alone.", url
    if path.endswith("/"):
        yield "The signature is of the path without its final slash. Take it off the address that is called.", path[:-1]
    else:
        yield (
            "The signature is of the path with a final slash. Have the platform sign the path that it calls.",
            f"{path}/",
        )


def _other_forms(secret: Secret) -> Iterator[tuple[str, bytes]]:
    """Yield what editors, env files and libraries make of a secret."""
    text, made = secret.text, "The signature was made with the secret"
    if len(text) > 1 and text[:1] == text[-1:] and text[:1] in (b'"', b"'"):
        yield f"{made} without the quotes that are around it here. Enter it here without them.", text[1:-1]
    for quote in (b'"', b"'"):
        yield f"{made} in quotes. Take them off on the platform's side.", quote + text + quote
    for end in (b"\n", b"\r\n"):
        yield f"{made} and a line break. Take it off on the platform's side.", text + end
    for form, decoded in (("base64", _from_base64(text)), ("hexadecimal", _from_hex(text))):
        if decoded:
            yield f"{made} decoded from {form}. Have the platform use its text as it is.", decoded


def _from_base64(text: bytes) -> bytes:
    plain = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return b""


def _from_hex(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        return b""

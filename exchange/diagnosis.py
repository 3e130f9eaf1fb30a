"""Why a signature does not hold, and the one setting that would make it. For the console and the simulator only.

The caller is never told any of this (protocol notes, MindCloud, "Signature debugger").
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from exchange.signature_header import Malformed
from exchange.signing import (
    CONSTRUCTIONS,
    SIGNATURE_HEADER,
    Profile,
    Secret,
    SignedRequest,
    Verdict,
    canonical,
    match,
    read_headers,
    verify,
)

MAX_TOLERANCE_SECONDS = 3600
# More than clocks drift: a call that is this late is an old one, or a captured one.
OFFERED_TOLERANCE_SECONDS = 900
# Where timestamps were seen to travel, besides the header that the profile names; empty: inside X-Signature.
TIMESTAMP_HEADERS = ("X-Timestamp", "X-Signature-Timestamp", "X-Request-Timestamp", "Date", "")
PREFIX_HEADER = "X-Forwarded-Prefix"


@dataclass(frozen=True)
class Diagnosis:
    """What was checked and what came of it. ``canonical`` is what we would have signed; it holds no secret."""

    verdict: Verdict
    canonical: str
    matches: dict[UUID, bool]
    remedy: str = ""  # the one change that would make the signature hold; empty where it does, or none is known
    settings: Mapping[str, Any] = field(default_factory=dict)  # the same for Platform's fields, where it is one of ours

    @property
    def warning(self) -> str:
        """What the settings would give up; empty where they give up nothing."""
        seconds = self.settings.get("tolerance_seconds")
        if seconds is None:
            return ""
        return f"A wider tolerance widens the time in which a captured call can be replayed, here to {seconds} s."

    @property
    def clock_difference(self) -> float | None:
        return self.verdict.clock_difference


def diagnose(
    request: SignedRequest, profile: Profile, secrets: Sequence[Secret], now: float, ended: Sequence[Secret] = ()
) -> Diagnosis:
    """Explain the check of ``request``. ``ended`` are secrets that no longer count, ``now`` seconds since 1970."""
    verdict = verify(request, profile, secrets, now)
    try:
        sent, _ = read_headers(request, profile)
    except Malformed:
        text, matches = "", dict.fromkeys((secret.id for secret in secrets), False)
    else:
        message = canonical(request, profile, sent.timestamp)
        text = message.decode("latin-1")
        matches = {
            secret.id: match(sent.digests, message, profile.construction, [secret]) is not None for secret in secrets
        }
    remedy, settings = ("", {}) if verdict.ok else _remedy(request, profile, secrets, ended, now, verdict)
    return Diagnosis(verdict, text, matches, remedy, settings)


def _remedy(
    request: SignedRequest,
    profile: Profile,
    secrets: Sequence[Secret],
    ended: Sequence[Secret],
    now: float,
    verdict: Verdict,
) -> tuple[str, dict[str, Any]]:
    if verdict.reason in ("stale_timestamp", "future_timestamp"):
        return _clock_remedy(abs(verdict.clock_difference or 0))
    if not request.header(SIGNATURE_HEADER):
        return "Turn on request verification in the platform's dashboard: the request carries no X-Signature.", {}
    for sentence, other in _other_profiles(request, profile):
        found = verify(request, other, secrets, now)
        if found.ok or found.secret_id is not None:
            settings = _differing(profile, other)
            if found.ok:
                return sentence, settings
            clock, tolerance = _clock_remedy(abs(found.clock_difference or 0))
            return f"{sentence} Then: {clock}", settings | tolerance
    if verify(request, profile, ended, now).secret_id is not None:
        sentence = "The signature was made with a secret that has ended. Put the current one into the platform's"
        return f"{sentence} dashboard.", {}
    return "", {}


def _clock_remedy(seconds: float) -> tuple[str, dict[str, Any]]:
    """What to do, and the setting; no setting for a call that is merely old, which a tolerance would let in again."""
    enough = int(seconds) + 1
    if enough <= OFFERED_TOLERANCE_SECONDS:
        roomy = min(OFFERED_TOLERANCE_SECONDS, (enough // 60 + 2) * 60)  # clocks drift
        return f"Set the tolerance to {enough} s or more, or set the clocks right.", {"tolerance_seconds": roomy}
    off = f"The timestamp is {seconds:.0f} s off"
    if enough <= MAX_TOLERANCE_SECONDS:
        return f"{off}: an old request, or a clock that is wrong. Set the clocks right.", {}
    return f"{off}, more than any tolerance: an old request, or a clock that is wrong.", {}


def _differing(profile: Profile, other: Profile) -> dict[str, Any]:
    before = asdict(profile)
    return {name: value for name, value in asdict(other).items() if value != before[name]}


def _other_profiles(request: SignedRequest, profile: Profile) -> Iterator[tuple[str, Profile]]:
    """Each profile that differs from ``profile`` in one setting, with the sentence that says which."""
    for construction in CONSTRUCTIONS:
        if construction != profile.construction:
            yield f"Set the construction to {construction}.", replace(profile, construction=construction)
    other_path = "path" if profile.signed_path == "target" else "target"
    yield f"Set the signed path to {other_path}.", replace(profile, signed_path=other_path)
    case = "upper" if profile.lower_case_method else "lower"
    yield (
        f"Set the method to {case} case.",
        replace(profile, lower_case_method=not profile.lower_case_method),
    )
    for header in TIMESTAMP_HEADERS:
        if header.lower() != profile.timestamp_header.lower():
            where = f"header to {header}" if header else "header to empty: it is inside X-Signature"
            yield f"Set the timestamp {where}.", replace(profile, timestamp_header=header)
    for prefix in _prefixes(request):
        if prefix != profile.public_prefix:
            sentence = f"Set the public prefix to {prefix}." if prefix else "Empty the public prefix."
            yield sentence, replace(profile, public_prefix=prefix)


def _prefixes(request: SignedRequest) -> list[str]:
    """Prefixes that may have been stripped: none, what a proxy says it took, and those that are common."""
    said = request.header(PREFIX_HEADER) or ""
    return list(dict.fromkeys(["", said.rstrip("/"), "/api", "/v1", "/api/v1", "/partners", "/integrations"]))

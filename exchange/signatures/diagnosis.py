"""Explains why a signature does not hold, and finds the one setting that would make it. For the console and simulator.

The caller is never told any of this (protocol notes, MindCloud, "Signature debugger").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from exchange.signatures.attempts import Attempt, attempts
from exchange.signatures.header import Malformed
from exchange.signatures.verify import (
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


@dataclass(frozen=True)
class Diagnosis:
    """The outcome of a check, and its grounds. ``canonical`` is what we would have signed; it holds no secret."""

    verdict: Verdict
    canonical: str
    matches: dict[UUID, bool]
    remedy: str = ""  # the one change that would make the signature hold; empty where it does, or none is known
    settings: Mapping[str, Any] = field(default_factory=dict)  # the same for Platform's fields, where it is one of ours

    @property
    def warning(self) -> str:
        """Say what the settings would give up; empty where they give up nothing."""
        seconds = self.settings.get("tolerance_seconds")
        if seconds is None:
            return ""
        return f"A wider tolerance widens the time in which a captured call can be replayed, here to {seconds} s."

    @property
    def clock_difference(self) -> float | None:
        return self.verdict.clock_difference


def diagnose(
    request: SignedRequest,
    profile: Profile,
    secrets: Sequence[Secret],
    now: float,
    ended: Sequence[Secret] = (),
    public_url: str = "",
) -> Diagnosis:
    """Explain the check of ``request``. ``ended`` are secrets that no longer count, ``now`` seconds since 1970,
    ``public_url`` is what our addresses begin with."""
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
    remedy, settings = (
        ("", {})
        if verdict.ok
        else _remedy(
            list(attempts(request, profile, secrets, public_url)), Attempt("", request, profile, ended), now, verdict
        )
    )
    return Diagnosis(verdict, text, matches, remedy, settings)


def _remedy(others: Sequence[Attempt], by_ended: Attempt, now: float, verdict: Verdict) -> tuple[str, dict[str, Any]]:
    if verdict.reason in ("stale_timestamp", "future_timestamp"):
        return _clock_remedy(verdict.clock_difference or 0)
    if not by_ended.request.header(SIGNATURE_HEADER):
        return "Turn on request verification in the platform's dashboard: the request carries no X-Signature.", {}
    for other in others:
        found = verify(other.request, other.profile, other.secrets, now)
        if found.ok:
            return other.sentence, other.settings
        if found.secret_id is not None:
            clock, tolerance = _clock_remedy(found.clock_difference or 0)
            return f"{other.sentence} Then: {clock}", other.settings | tolerance
    if verify(by_ended.request, by_ended.profile, by_ended.secrets, now).secret_id is not None:
        sentence = "The signature was made with a secret that has ended. Put the current one into the platform's"
        return f"{sentence} dashboard, or a new one where nobody has kept it.", {}
    return "", {}


def _clock_remedy(difference: float) -> tuple[str, dict[str, Any]]:
    """Say what to do, and the setting; none for a call that is merely old, which a tolerance would let in again.

    ``difference`` is how far the timestamp is ahead of our clock, in seconds: below zero of one that may be old.
    """
    seconds = abs(difference)
    enough = int(seconds) + 1
    if enough <= OFFERED_TOLERANCE_SECONDS:
        roomy = min(OFFERED_TOLERANCE_SECONDS, (enough // 60 + 2) * 60)  # clocks drift
        return f"Set the tolerance to {enough} s or more, or set the clocks right.", {"tolerance_seconds": roomy}
    off = f"The timestamp is {seconds:.0f} s {'behind' if difference < 0 else 'ahead of'} our clock"
    cause = "an old request, or a clock that is wrong" if difference < 0 else "a clock is wrong"
    if enough <= MAX_TOLERANCE_SECONDS:
        return f"{off}: {cause}. Set the clocks right.", {}
    return f"{off}, more than any tolerance: {cause}.", {}

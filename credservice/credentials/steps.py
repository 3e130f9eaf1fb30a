"""The single steps of a credential's life, each in the caller's transaction, each with its line in the trail.

Which step follows which is decided in ``services`` (what a caller asks for) and ``outside`` (what an issuer answers).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import uniform
from typing import Any

from django.utils import timezone

from credservice.audit import Line, record
from credservice.credentials import telling
from credservice.credentials.models import STUCK_AFTER, Credential
from credservice.credentials.queue import enqueue
from credservice.crypto import digest, seal_values
from credservice.issuers.base import Issued, IssueRequest

State = Credential.State
# Shorter values are not worth looking up: too many strings would match them by chance.
MIN_DIGESTED = 12
MADE = (
    *("sealed_values", "lookup", "value_digests", "hint", "handle", "expires_at", "refresh_at", "rotates_at"),
    *("state", "activated_at", "attempts", "next_attempt_at", "failure"),
)
JITTER = 0.1  # of a rotation period, so that what was made together is not rotated together


def request_for(credential: Credential, entered: Mapping[str, str] | None = None) -> IssueRequest:
    policy = credential.policy
    return IssueRequest(str(credential.pk), policy.options, credential.context, entered, policy.lifetime)


def activate(credential: Credential, issued: Issued, actor: str) -> None:
    """What the issuer made becomes the active credential of its line, and the predecessor retires. Saves."""
    predecessor = credential.predecessor
    if predecessor is not None and predecessor.state == State.ACTIVE:
        overlap = credential.predecessor_overlap
        retire(predecessor, credential.policy.overlap if overlap is None else overlap, actor)
    recovered = credential.attempts > 0
    fill(credential, issued)
    # Only what is made here: whether it is suspended, say, may have changed while an issuer was at work.
    credential.save(update_fields=None if credential._state.adding else MADE)
    record_step("credential.issued", credential, actor)
    telling.made(credential, recovered=recovered)


def fill(credential: Credential, issued: Issued) -> None:
    """What was made, sealed, with its digests and times: active from now on. Does not save."""
    now = timezone.now()
    credential.sealed_values = seal_values(issued.values, credential.place)
    credential.lookup = digest(issued.lookup, "lookup") if issued.lookup else None
    credential.value_digests = [value_digest(value) for value in issued.values.values() if len(value) >= MIN_DIGESTED]
    credential.hint, credential.handle = issued.hint, dict(issued.handle)
    credential.expires_at, credential.refresh_at = _expiry(credential, issued, now), issued.refresh_at
    credential.rotates_at = _next_rotation(credential, now)
    credential.state, credential.activated_at = State.ACTIVE, now
    credential.attempts, credential.next_attempt_at, credential.failure = 0, None, ""


def retire(credential: Credential, overlap: timedelta, actor: str) -> None:
    """A successor takes over: good for ``overlap`` more, never past its own expiry; at once without an overlap."""
    if overlap <= timedelta(0):
        begin_end(credential, actor, why="rotated without overlap")
        return
    end = timezone.now() + overlap
    credential.retires_at = min(end, credential.expires_at or end)
    credential.state, credential.rotates_at = State.RETIRING, None
    credential.save(update_fields=["state", "retires_at", "rotates_at"])
    record_step("credential.retiring", credential, actor)
    enqueue("end", credential, at=credential.retires_at)


def begin_end(credential: Credential, actor: str, why: str) -> None:
    """From now on it is not handed out. What is outside is ended by a job, which never gives up."""
    now = timezone.now()
    backend = credential.policy.backend()
    if backend.local or not backend.can_revoke:
        end(credential, State.REVOKED, actor, why=why)
        return
    credential.state, credential.rotates_at = State.RETIRING, None
    credential.retires_at = min(now, credential.retires_at or now)
    credential.attempts, credential.next_attempt_at, credential.failure = 0, None, ""
    credential.save(update_fields=["state", "retires_at", "rotates_at", "attempts", "next_attempt_at", "failure"])
    record_step("credential.revoking", credential, actor, why=why)
    enqueue("end", credential)


def end(credential: Credential, state: Credential.State, actor: str, **detail: Any) -> None:
    """Nothing is left of it outside."""
    credential.state, credential.ended_at, credential.rotates_at = state, timezone.now(), None
    credential.attempts, credential.next_attempt_at, credential.failure = 0, None, ""
    credential.save(update_fields=["state", "ended_at", "rotates_at", "attempts", "next_attempt_at", "failure"])
    record_step(f"credential.{state.value}", credential, actor, **detail)
    telling.ended(credential)


def fail(credential: Credential, why: str, actor: str) -> None:
    """It can never be made."""
    credential.state, credential.failure, credential.ended_at = State.FAILED, why[:255], timezone.now()
    credential.save(update_fields=["state", "failure", "ended_at"])
    record_step("credential.issue", credential, actor, outcome="failed", why=why)
    telling.tell("credential.issue_failed", credential, final=True)


def note_attempt(credential: Credential, action: str, why: str, actor: str, pause: timedelta) -> None:
    """An attempt outside came to nothing; the next one waits. The trail has the first one and then ever fewer."""
    credential.attempts += 1
    credential.failure, credential.next_attempt_at = why[:255], timezone.now() + pause
    credential.save(update_fields=["attempts", "failure", "next_attempt_at"])
    if credential.attempts & (credential.attempts - 1) == 0:
        record_step(action, credential, actor, outcome="failed", why=why, attempts=credential.attempts)
    if action == "credential.issue" and credential.attempts == 1:
        telling.tell("credential.issue_failed", credential, final=False)
    if action == "credential.revoke" and credential.attempts == STUCK_AFTER:
        telling.tell("credential.revocation_stuck", credential, attempts=credential.attempts)


def record_step(action: str, credential: Credential, actor: str, *, outcome: str = "done", **detail: Any) -> None:
    record(**vars(step_line(action, credential, actor, outcome=outcome, **detail)))


def step_line(action: str, credential: Credential, actor: str, *, outcome: str = "done", **detail: Any) -> Line:
    """The line in the trail about one step of a credential."""
    detail |= {"policy": credential.policy.name, "hint": credential.hint}
    return Line(
        action=action,
        actor=actor,
        outcome=outcome,
        object_type="credential",
        object_id=credential.pk,
        subject=credential.subject,
        detail=detail,
    )


def value_digest(value: str) -> bytes:
    """What a pasted string is looked up by, to learn which credential it is of."""
    return digest(value, "value")


def _expiry(credential: Credential, issued: Issued, now: datetime) -> datetime | None:
    lifetime = credential.policy.lifetime
    ends = [end for end in (issued.expires_at, now + lifetime if lifetime else None) if end is not None]
    return min(ends, default=None)


def _next_rotation(credential: Credential, now: datetime) -> datetime | None:
    period = credential.policy.rotation_period
    return now + period * uniform(1 - JITTER, 1) if period else None  # noqa: S311 - no secret

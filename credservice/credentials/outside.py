"""The steps that call an issuer. Never inside a transaction: the intent is committed, the outcome will be.

Each holds the database's lock on its credential, so that callers and workers who come at once do it once, and reads
the state again under it. Killed at any point, the row says what is left to do and the next caller does it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import uniform
from typing import TypeVar

import structlog
from django.db import transaction
from django.utils import timezone

from credservice.credentials import steps
from credservice.credentials.bulkhead import place
from credservice.credentials.locks import credential_lock
from credservice.credentials.models import Credential
from credservice.exceptions import Unavailable
from credservice.issuers.base import Issued, IssueFailed, IssuerUnavailable
from credservice.issuers.probes import ProbeFailed, run_probe
from credservice.metrics import ISSUER_CALLS

T = TypeVar("T")
log = structlog.get_logger(__name__)
State = Credential.State
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
PROBES = 5  # attempts after which a credential that does not work is given up


def finish_issue(credential: Credential, *, actor: str, insist: bool = False) -> Credential:
    """Have a pending credential made, once, however many ask; returns it as it then is.

    Raises :class:`Unavailable` while the issuer cannot be reached, and right away during the pause after a failed
    attempt, unless told to ``insist`` (workers, operators). One that can never be made comes back ``failed``.
    """
    if credential.state != State.PENDING:
        return credential
    with place(), credential_lock(credential.pk):
        credential.refresh_from_db()
        if credential.state == State.PENDING:
            _respect_pause(credential, insist)
            _issue(credential, actor)
    return credential


def finish_end(credential: Credential, *, actor: str, insist: bool = False) -> Credential:
    """End outside what has ended here; returns it as it then is. "Already gone" is success.

    Raises :class:`Unavailable` while the issuer cannot be reached.
    """
    with place():
        _finish_end(credential, actor, insist)
    return credential


def _finish_end(credential: Credential, actor: str, insist: bool) -> None:
    with credential_lock(credential.pk):
        credential.refresh_from_db()
        if credential.is_ending():
            _respect_pause(credential, insist)
            _end(credential, actor)


def _issue(credential: Credential, actor: str) -> None:
    predecessor = credential.predecessor
    if predecessor is not None and predecessor.is_ending():
        # A product with a single credential: the old one must be gone before the new one can be made.
        _finish_end(predecessor, actor, insist=True)
    try:
        issued = _call(credential, "issue", lambda: credential.policy.backend().issue(steps.request_for(credential)))
    except IssuerUnavailable as error:
        _put_off(credential, "credential.issue", error, actor)
    except IssueFailed as error:
        with transaction.atomic():
            if _is_still_pending(credential):
                steps.fail(credential, str(error), actor)
    else:
        _try_out(credential, issued, actor)


def _try_out(credential: Credential, issued: Issued, actor: str) -> None:
    """Keep what was made where it is what the policy promises and passes the policy's probe; end it outside if not."""
    flaw = _flaw(credential, issued)
    if flaw is None:
        _keep(credential, issued, actor)
    elif flaw.may_pass and credential.attempts + 1 < PROBES:
        _put_off(credential, "credential.issue", IssuerUnavailable(flaw.sentence), actor)
    else:
        with transaction.atomic():
            if _is_still_pending(credential):
                Credential.objects.filter(pk=credential.pk).update(handle=dict(issued.handle))
                credential.handle = dict(issued.handle)
                steps.begin_end(credential, actor, why=flaw.sentence)


def _keep(credential: Credential, issued: Issued, actor: str) -> None:
    """Store what the issuer made, unless the credential was revoked while it was at work."""
    with transaction.atomic():
        # The predecessor is read again, and first: a rotation locks the two in this order as well.
        if credential.predecessor_id is not None:
            predecessors = Credential.objects.select_for_update(of=("self",))
            credential.predecessor = predecessors.get(pk=credential.predecessor_id)
        if _is_still_pending(credential):
            steps.activate(credential, issued, actor)
            return
        # Its end waits for our lock, and then ends what was made by the handle that it came with.
        Credential.objects.filter(pk=credential.pk).update(handle=dict(issued.handle))
    credential.refresh_from_db()


def _is_still_pending(credential: Credential) -> bool:
    return Credential.objects.select_for_update(of=("self",)).filter(pk=credential.pk, state=State.PENDING).exists()


@dataclass(frozen=True)
class _Flaw:
    sentence: str
    may_pass: bool  # whether trying again may help, as with an account that takes a moment to appear everywhere


def _flaw(credential: Credential, issued: Issued) -> _Flaw | None:
    expected, made = set(credential.policy.value_names()), set(issued.values)
    if made != expected:
        names = f"{', '.join(sorted(made))} where the policy names {', '.join(sorted(expected))}"
        return _Flaw(f"the issuer made the values {names}", may_pass=False)
    try:
        if credential.policy.probe:
            run_probe(credential.policy.probe, issued.values)
    except (ProbeFailed, IssuerUnavailable) as error:
        return _Flaw(str(error), may_pass=True)
    return None


def _call(credential: Credential, call: str, function: Callable[[], T]) -> T:
    """Call the issuer and count how it went. What it raises that the contract does not name may pass: ask again."""
    outcome = "done"
    try:
        return function()
    except IssueFailed:
        outcome = "failed"
        raise
    except IssuerUnavailable:
        outcome = "unavailable"
        raise
    except Exception as error:
        outcome = "error"
        log.exception("issuer_broke", issuer=credential.policy.issuer, call=call)
        raise IssuerUnavailable(f"the issuer broke with {type(error).__name__}; the log has more") from error
    finally:
        ISSUER_CALLS.labels(credential.policy.issuer, call, outcome).inc()


def _end(credential: Credential, actor: str) -> None:
    policy = credential.policy
    try:
        _call(
            credential, "revoke", lambda: policy.backend().revoke(str(credential.pk), policy.options, credential.handle)
        )
    except IssuerUnavailable as error:
        _put_off(credential, "credential.revoke", error, actor)
    with transaction.atomic():
        steps.end(credential, credential.final_state(), actor)


def _put_off(credential: Credential, action: str, error: IssuerUnavailable, actor: str) -> None:
    pause = pause_after(credential.attempts)
    with transaction.atomic():
        steps.note_attempt(credential, action, str(error), actor, pause)
    log.warning("issuer_unavailable", action=action, credential=str(credential.pk), attempts=credential.attempts)
    raise Unavailable(
        "The credential cannot be made or ended right now. Try again shortly.",
        retry_after=max(error.retry_after, int(pause.total_seconds())),
    ) from error


def pause_after(attempts: int) -> timedelta:
    """Doubles from five seconds to an hour, with jitter, so that what failed together does not return together."""
    longest = min(FIRST_PAUSE * 2 ** min(attempts, 16), LONGEST_PAUSE)
    return timedelta(seconds=longest.total_seconds() * uniform(0.5, 1))  # noqa: S311 - no secret


def _respect_pause(credential: Credential, insist: bool) -> None:
    pause_ends, now = credential.next_attempt_at, timezone.now()
    if not insist and pause_ends is not None and pause_ends > now:
        raise Unavailable(
            "The credential cannot be made right now. Try again shortly.",
            retry_after=int((pause_ends - now).total_seconds()) + 1,
        )

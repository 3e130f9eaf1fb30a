"""Calls issuers, never inside a transaction: the intent is committed, the outcome will be.

Each holds the lease of its credential, so that callers and workers who come at once do it once, and reads the state
again under it. Killed at any point, the row says what is left to do and the next caller does it. Who has lost the lease
writes nothing: somebody else has, and :func:`end_surplus` sees to what was made outside all the same.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from django.db import transaction
from django.utils import timezone

from credservice.core import tracing
from credservice.core.exceptions import Unavailable
from credservice.core.instruments import ISSUER_CALLS, ISSUER_SECONDS
from credservice.core.jobs import enqueue, pause_after
from credservice.credentials import transitions
from credservice.credentials.bulkhead import place
from credservice.credentials.locks import Held, LeaseLost, credential_lock
from credservice.credentials.models import Credential
from credservice.issuers.base import Issued, IssueFailed, IssuerUnavailable
from credservice.issuers.probes import ProbeFailed, run_probe

T = TypeVar("T")
log = structlog.get_logger(__name__)
State = Credential.State
PROBES = 5  # attempts after which a credential that does not work is given up


def finish_at_commit(credential: Credential, *, actor: str) -> None:
    """Have it made as soon as the transaction has committed; the worker goes on where the issuer cannot be reached."""

    def finish() -> None:
        with suppress(Unavailable):  # one line of the log tells it: no fault of ours, and no traceback
            finish_issue(credential, actor=actor)

    transaction.on_commit(finish, robust=True)


def finish_issue(credential: Credential, *, actor: str, insist: bool = False) -> Credential:
    """Have a pending credential made, once, however many ask; returns it as it then is.

    Raises :class:`Unavailable` while the issuer cannot be reached, and right away during the pause after a failed
    attempt, unless told to ``insist`` (workers, operators). One that can never be made comes back ``failed``.
    """
    if credential.state != State.PENDING:
        return credential
    with place(), _turn(credential) as lease:
        if credential.state == State.PENDING:
            _respect_pause(credential, insist)
            _issue(credential, lease, actor)
    return credential


def finish_end(credential: Credential, *, actor: str, insist: bool = False) -> Credential:
    """End outside what has ended here; returns it as it then is. "Already gone" is success.

    Raises :class:`Unavailable` while the issuer cannot be reached.
    """
    with place():
        _finish_end(credential, actor, insist)
    return credential


def end_surplus(credential: Credential, *, handle: Mapping[str, Any], values_digest: bytes, actor: str) -> None:
    """End outside what was made by a caller that had lost its lease, unless it is what is kept.

    Where it is, but with other values (a role with another password), those kept are perhaps good no more: a successor
    is made soon. Raises :class:`Unavailable` while it is not made yet, or the issuer cannot be reached.
    """
    with place(), _turn(credential):
        if credential.state == State.PENDING:
            raise Unavailable("The credential is not made yet. Try again shortly.")
        if credential.state not in Credential.UNENDED:
            _end_outside(credential, handle, actor)
        elif transitions.has_digest(credential, values_digest):
            return  # an issuer that finds what it made before
        elif credential.handle == handle:
            _replace_soon(credential, actor)
        else:
            _end_outside(credential, handle, actor)


def _replace_soon(credential: Credential, actor: str) -> None:
    with transaction.atomic():
        if Credential.objects.filter(pk=credential.pk, state=State.ACTIVE).update(rotates_at=timezone.now()):
            transitions.record_step("credential.values_in_doubt", credential, actor, why="made twice at once")


def _end_outside(credential: Credential, handle: Mapping[str, Any], actor: str) -> None:
    policy, backend = credential.policy, credential.policy.backend()
    if not backend.can_revoke:
        return
    try:
        _call(credential, "revoke", lambda: backend.revoke(str(credential.pk), policy.options, handle))
    except IssuerUnavailable as error:
        raise Unavailable("What was made twice cannot be ended right now.", retry_after=error.retry_after) from error
    transitions.record_step("credential.surplus_ended", credential, actor, why="made twice at once")


def _finish_end(credential: Credential, actor: str, insist: bool) -> None:
    with _turn(credential) as lease:
        if credential.is_ending():
            _respect_pause(credential, insist)
            _end(credential, lease, actor)


@contextmanager
def _turn(credential: Credential) -> Iterator[Held]:
    """Hold the lease, and read the credential again under it; after a loss as well, to go on with what others did."""
    try:
        with credential_lock(credential.pk) as lease:
            credential.refresh_from_db()
            yield lease
    except LeaseLost:
        credential.refresh_from_db()
        if credential.state == State.PENDING or credential.is_ending():
            raise


def _issue(credential: Credential, lease: Held, actor: str) -> None:
    predecessor = credential.predecessor
    if predecessor is not None and predecessor.is_ending():
        # A product with a single credential: the old one must be gone before the new one can be made.
        _finish_end(predecessor, actor, insist=True)
    try:
        issued = _call(
            credential, "issue", lambda: credential.policy.backend().issue(transitions.request_for(credential))
        )
    except IssuerUnavailable as error:
        _put_off(credential, lease, "credential.issue", error, actor)
    except IssueFailed as error:
        with transaction.atomic():
            lease.keep()
            if _is_still_pending(credential):
                transitions.fail(credential, str(error), actor)
    else:
        try:
            _try_out(credential, lease, issued, actor)
        except LeaseLost:
            _leave_surplus(credential, issued)
            raise


def _leave_surplus(credential: Credential, issued: Issued) -> None:
    """Have the worker end what was made, once it is known what is kept."""
    values_digest = transitions.values_digest(issued.values).hex()
    handle = json.dumps(dict(issued.handle))
    enqueue("credentials.end_surplus", credential_id=credential.pk, handle=handle, values_digest=values_digest)


def _try_out(credential: Credential, lease: Held, issued: Issued, actor: str) -> None:
    """Keep what was made where it is what the policy promises and passes the policy's probe; end it outside if not."""
    flaw = _flaw(credential, issued)
    if flaw is None:
        _keep(credential, lease, issued, actor)
    elif flaw.may_pass and credential.attempts + 1 < PROBES:
        _put_off(credential, lease, "credential.issue", IssuerUnavailable(flaw.sentence), actor)
    else:
        with transaction.atomic():
            lease.keep()
            if _is_still_pending(credential):
                Credential.objects.filter(pk=credential.pk).update(handle=dict(issued.handle))
                credential.handle = dict(issued.handle)
                transitions.begin_end(credential, actor, why=flaw.sentence)


def _keep(credential: Credential, lease: Held, issued: Issued, actor: str) -> None:
    """Store what the issuer made, unless the credential was revoked while it was at work."""
    with transaction.atomic():
        lease.keep()
        # The predecessor is read again, and first: a rotation locks the two in this order as well.
        if credential.predecessor_id is not None:
            predecessors = Credential.objects.select_for_update(of=("self",))
            credential.predecessor = predecessors.get(pk=credential.predecessor_id)
        if _is_still_pending(credential):
            transitions.activate(credential, issued, actor)
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
    outcome, began = "done", time.perf_counter()
    try:
        with tracing.span(f"issuer {call}", credservice__issuer=credential.policy.issuer):
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
        ISSUER_SECONDS.labels(credential.policy.issuer, call).observe(time.perf_counter() - began)


def _end(credential: Credential, lease: Held, actor: str) -> None:
    policy = credential.policy
    try:
        _call(
            credential, "revoke", lambda: policy.backend().revoke(str(credential.pk), policy.options, credential.handle)
        )
    except IssuerUnavailable as error:
        _put_off(credential, lease, "credential.revoke", error, actor)
    with transaction.atomic():
        lease.keep()
        transitions.end(credential, credential.final_state(), actor)


def _put_off(credential: Credential, lease: Held, action: str, error: IssuerUnavailable, actor: str) -> None:
    pause = pause_after(credential.attempts)
    with transaction.atomic():
        lease.keep()
        transitions.note_attempt(credential, action, str(error), actor, pause)
    facts = {"issuer": credential.policy.issuer, "credential": str(credential.pk), "attempts": credential.attempts}
    log.warning("issuer_unavailable", action=action, **facts)
    raise Unavailable(
        "The credential cannot be made or ended right now. Try again shortly.",
        retry_after=max(error.retry_after, int(pause.total_seconds())),
    ) from error


def _respect_pause(credential: Credential, insist: bool) -> None:
    pause_ends, now = credential.next_attempt_at, timezone.now()
    if not insist and pause_ends is not None and pause_ends > now:
        raise Unavailable(
            "The credential cannot be made right now. Try again shortly.",
            retry_after=int((pause_ends - now).total_seconds()) + 1,
        )

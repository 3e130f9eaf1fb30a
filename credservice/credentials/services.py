"""Issues, rotates, revokes and reveals credentials. Every door, page and command goes through here.

The rhythm of issue and revoke (design, section 5): commit the intent with the job that will finish it; call the issuer
outside any transaction (``issuer_calls``); commit the outcome with its audit line. An issuer that touches nothing
outside this process (``local``) has no outside to be out of step with: there, intent and outcome are one step.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid, Unavailable
from credservice.core.instruments import STALE_HANDOUTS
from credservice.core.jobs import enqueue
from credservice.credentials import transitions
from credservice.credentials.hooks import policy_of_renewal
from credservice.credentials.issuer_calls import finish_at_commit, finish_end, finish_issue
from credservice.credentials.leaks import leak_with, note_leak
from credservice.credentials.locks import credential_lock_is_held
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.reused_values import refuse_leaked
from credservice.credentials.rotation_impact import ends_first, refusal_of_rotation
from credservice.crypto import SealError
from credservice.issuers.base import Issued, IssueFailed

__all__ = [
    "confirm_end",
    "finish_at_commit",
    "finish_end",
    "finish_issue",
    "force_end",
    "issued_here",
    "record_repeated_reveal",
    "refresh",
    "retry_now",
    "reveal",
    "revoke",
    "rotate",
    "set_suspended",
    "start_issue",
    "start_successor",
    "try_issue",
    "update_context",
]

State = Credential.State
RENEWAL_PAUSE = timedelta(minutes=1)  # after a successor that was refused
log = structlog.get_logger(__name__)


def start_issue(
    *,
    policy: CredentialPolicy,
    context: Mapping[str, Any],
    subject: str,
    actor: str,
    entered: Mapping[str, str] | None = None,
    predecessor: Credential | None = None,
    overlap: timedelta | None = None,
    suspended: bool = False,
) -> Credential:
    """Make a credential in the caller's transaction: active where the issuer is local, otherwise pending.

    A pending one is made by :func:`finish_issue` after that transaction has committed, or else by the worker.
    Raises :class:`Invalid` where the issuer refuses the values entered, or one of them was reported as leaked.
    """
    credential = Credential(
        policy=policy, context=dict(context), subject=subject, predecessor=predecessor, predecessor_overlap=overlap
    )
    credential.line = predecessor.line if predecessor else credential.pk
    credential.suspended = suspended or (predecessor is not None and predecessor.suspended)
    if policy.backend().local:
        issued = issued_here(credential, entered)
        if entered:
            refuse_leaked(entered, leaking=predecessor if transitions.no_time(overlap) else None)
        transitions.activate(credential, issued, actor)
        return credential
    if entered:
        raise Invalid(f"Policy {policy.name!r} makes its credentials itself; it takes no values.")
    credential.save(force_insert=True)
    enqueue("credentials.finish_issue", credential_id=credential.pk)
    return credential


def try_issue(credential: Credential, *, actor: str) -> Credential:
    """Call :func:`finish_issue`; while the issuer cannot be reached, return it as it is: the worker goes on."""
    try:
        return finish_issue(credential, actor=actor)
    except Unavailable:
        credential.refresh_from_db()
        return credential


def start_successor(
    credential: Credential,
    *,
    actor: str,
    entered: Mapping[str, str] | None = None,
    overlap: timedelta | None = None,
    policy: CredentialPolicy | None = None,
) -> Credential:
    """Make the next credential of a line by :func:`start_issue`: for the same subject and context, by its policy or
    ``policy``."""
    return start_issue(
        policy=policy or credential.policy,
        context=credential.context,
        subject=credential.subject,
        actor=actor,
        entered=entered,
        predecessor=credential,
        overlap=overlap,
    )


def rotate(
    *,
    credential: Credential,
    actor: str,
    overlap: timedelta | None = None,
    entered: Mapping[str, str] | None = None,
    force_reason: str = "",
    policy: CredentialPolicy | None = None,
    reason: str = "",
) -> Credential:
    """Start the successor of a credential that takes one (``Credential.takes_successor``), by its policy or
    ``policy``. Returns the successor: active (local issuer) or pending.

    The predecessor stays good until the successor is active and for ``overlap`` after (the policy's by default; zero
    for "leaked", which is noted at once, as is what leaks with it), never past its own expiry. Where only one may live,
    it ends first. One that retires already keeps its end, or ends first if it has leaked; its own values may be entered
    once more, to go on. Raises :class:`Conflict` where the credential takes no successor, has the entered values
    already (they may have leaked), or a rotation is pending and no ``force_reason`` is given to abandon that one. A
    ``reason`` that a person gave has a line of its own in the trail.
    """
    leaked = transitions.no_time(overlap)
    with transaction.atomic():
        credential = Credential.objects.lock_one(credential, with_line=True)
        if refusal := refusal_of_rotation(credential):
            raise Conflict(refusal)
        retires = credential.state == State.RETIRING
        if entered is not None and (leaked or not retires) and _has(credential, entered):
            raise Conflict("These values are the ones that it has already. Enter the new ones.")
        if reason:
            transitions.record_step("credential.rotation_started", credential, actor, why=reason)
        _abandon_pending(credential, actor, force_reason)
        if leaked:
            leak_with(credential, actor)
        if ends_first(credential, policy or credential.policy):
            transitions.begin_end(credential, actor, why="rotated; only one may live", leaked=leaked)
        elif retires and leaked:
            transitions.begin_end(credential, actor, why="rotated without overlap", leaked=True)
        successor = start_successor(credential, actor=actor, entered=entered, overlap=overlap, policy=policy)
        # Where it has not ended by now, it waits for its successor, which may be long in coming.
        if leaked and credential.state == State.ACTIVE:
            note_leak(credential, actor)
        return successor


def _has(credential: Credential, entered: Mapping[str, str]) -> bool:
    """Tell if these are its values. One whose values do not open is replaced by whatever is entered."""
    try:
        return transitions.has_or_had(credential, entered)
    except SealError:
        return False


def refresh(credential: Credential, *, actor: str) -> tuple[Credential, bool]:
    """Find what to hand out in place of an active credential that is due, and tell if that is stale.

    It is its successor, made now, by the policy of what hands it out where that makes values. While its issuer is down,
    refuses, or is unknown to the settings, it is the credential itself, for as long as that is valid and its policy's
    ``stale_for`` allows; then raises :class:`Unavailable`, or what the issuer raised. While somebody else is making
    the successor, it is the credential itself, too.
    """
    if not credential.is_due():
        return credential, False
    try:
        successor = _due_successor(credential, actor)
        if credential.is_usable() and credential_lock_is_held(successor.pk):
            return credential, False
        successor = finish_issue(successor, actor=actor)
        return (successor if successor.is_usable() else credential), not successor.is_usable()
    except (Unavailable, Invalid, ImproperlyConfigured) as error:
        if credential.may_be_stale():
            log.warning("stale_handed_out", credential=str(credential.pk), reason=str(error))
            STALE_HANDOUTS.inc()
            return credential, True
        raise


def revoke(
    *,
    credential: Credential,
    actor: str,
    reason: str,
    predecessors: bool = False,
    leaked: bool = False,
    ended_outside: bool = False,
) -> Credential:
    """End a credential. From now on it is not handed out; what is outside is ended by :func:`finish_end` or the worker.

    A retiring predecessor is still good, and is what its line hands out then, unless ``predecessors`` ends those as
    well. ``leaked``: its values have leaked, and are erased at once; so does what other versions of its line have of
    them, and of other lines (:func:`leak_with`), and nothing else of its predecessors'.
    ``ended_outside``: the caller has ended outside what its issuer cannot end. Repeating it is harmless. Returns it as
    it now is.
    """
    chosen = Q(pk=credential.pk)
    if predecessors:
        chosen |= Q(line=credential.line, state=State.RETIRING, created_at__lt=credential.created_at)
    with transaction.atomic():
        if leaked:
            Credential.objects.lock_one(credential, with_line=True)
        ending = {found.pk: found for found in Credential.objects.filter(chosen).lock()}
        if leaked:
            leak_with(ending[credential.pk], actor)
            ending = {found.pk: found for found in Credential.objects.filter(pk__in=ending).lock()}
        for found in ending.values():
            is_meant = found.pk == credential.pk
            if found.state in Credential.UNENDED and not found.is_ending():
                why = reason if is_meant else f"ended with its successor: {reason}"
                transitions.begin_end(found, actor, why=why, leaked=leaked and is_meant)
            elif leaked and is_meant:
                note_leak(found, actor, why=reason)
            if ended_outside and found.is_still_outside():
                transitions.confirm_end(found, actor, reason)
    return ending[credential.pk]


def confirm_end(*, credential: Credential, actor: str, reason: str = "") -> Credential:
    """Note that somebody has ended outside what its issuer could not. Raises :class:`Conflict` where nothing is left.

    Returns it as it now is.
    """
    with transaction.atomic():
        credential = Credential.objects.lock_one(credential)
        if not credential.may_be_confirmed():
            raise Conflict("Nothing is known to be left of this credential outside.")
        transitions.confirm_end(credential, actor, reason.strip())
    return credential


def retry_now(*, credential: Credential, actor: str) -> None:
    """Have the worker ask the issuer once more, without the pause after the attempt that failed.

    Raises :class:`Conflict` where nothing that is under way has failed.
    """
    with transaction.atomic():
        credential = Credential.objects.lock_one(credential)
        if not credential.has_failed_so_far():
            raise Conflict("Only what has failed and is still under way can be tried again.")
        task = "credentials.finish_issue" if credential.state == State.PENDING else "credentials.end"
        enqueue(task, credential_id=credential.pk)
        transitions.record_step("credential.retried", credential, actor)


def force_end(*, credential: Credential, actor: str, reason: str) -> Credential:
    """Call a stuck revocation done, though the issuer never said so. Raises :class:`Invalid` without a reason."""
    _need_reason(reason, "the revocation is forced")
    with transaction.atomic():
        credential = Credential.objects.lock_one(credential)
        if not credential.is_ending():
            raise Conflict("Only a revocation that is under way can be forced.")
        forced = Credential.Outside.FORCED
        transitions.end(credential, credential.final_state(), actor, left=forced, forced=True, why=reason.strip())
    return credential


def set_suspended(*, subject: str, suspended: bool) -> None:
    """Have checks refuse (or accept again) every key of a subject, in the caller's transaction, which records it."""
    # Of a rotation that is under way, only a statement that begins after it sees the successor: hence the lock first.
    unended = Credential.objects.unended().filter(subject=subject)
    with transaction.atomic():
        unended.lock()
        unended.update(suspended=suspended)


def update_context(*, subject: str, **facts: Any) -> None:
    """Tell the unended credentials of a subject what has changed about it, such as its plan. No secrets."""
    for credential in Credential.objects.unended().filter(subject=subject).lock():
        credential.context |= facts
        credential.save(update_fields=["context"])


def reveal(*, credential: Credential, actor: str, reason: str) -> dict[str, str]:
    """Return the values, for a person who says why.

    Raises :class:`Invalid` without a reason, :class:`Conflict` where there are no values.
    """
    _need_reason(reason, "the credential is revealed")
    if credential.is_erased():
        raise Conflict(f"The values of this credential were erased after its end: it is {credential.state}.")
    if credential.sealed_values is None:
        raise Conflict(f"The credential is {credential.state} and has no values.")
    with transaction.atomic():
        transitions.record_step("credential.revealed", credential, actor, why=reason.strip())
        return credential.open()


def record_repeated_reveal(*, credential: Credential, actor: str) -> None:
    """Record that the answer of a :func:`reveal` was given once more."""
    transitions.record_step("credential.revealed", credential, actor, repeated=True)


def issued_here(credential: Credential, entered: Mapping[str, str] | None) -> Issued:
    """Have a local issuer make a credential. Raises :class:`Invalid` where it refuses the values entered."""
    policy = credential.policy
    if entered and policy.backend().generates:
        raise Invalid(f"Policy {policy.name!r} makes its credentials itself; it takes no values.", pointer="/values")
    if not entered and not policy.backend().generates:
        names = ", ".join(policy.value_names())
        raise Invalid(f"The values of policy {policy.name!r} are entered: give the new {names}.", pointer="/values")
    try:
        return policy.backend().issue(transitions.request_for(credential, entered))
    except IssueFailed as error:
        raise Invalid(f"A credential of policy {policy.name!r} {error}.", pointer="/values") from None


def _abandon_pending(credential: Credential, actor: str, force_reason: str) -> None:
    for pending in Credential.objects.select_related("policy").filter(line=credential.line, state=State.PENDING):
        if not force_reason:
            raise Conflict(
                f"A rotation has been pending since {pending.created_at:%Y-%m-%d %H:%M} UTC. "
                "Wait for it, or force a new one with a reason."
            )
        # It may have been made outside already, without our knowing: it is ended there like any other.
        transitions.begin_end(pending, actor, why=force_reason)


def _due_successor(credential: Credential, actor: str) -> Credential:
    """Find the pending successor of a due credential, or make it; once, however many callers see that it is due."""
    with transaction.atomic():
        credential = Credential.objects.lock_one(credential)
        newest = Credential.objects.select_related("policy", "predecessor").filter(line=credential.line)
        found = newest.filter(state__in=[State.PENDING, State.ACTIVE]).exclude(pk=credential.pk).first()
        if found is not None or credential.state != State.ACTIVE:
            return found or credential
        if newest.filter(state=State.FAILED, ended_at__gt=timezone.now() - RENEWAL_PAUSE).exists():
            raise Unavailable("The issuer refused a successor just now. Try again shortly.", retry_after=60)
        policy = policy_of_renewal(credential)
        if ends_first(credential, policy):
            transitions.begin_end(credential, actor, why="due; only one may live")
        return start_successor(credential, actor=actor, policy=policy)


def _need_reason(reason: str, why: str) -> None:
    if len(reason.strip()) < 3:
        raise Invalid(f"Say why {why}; the reason is kept in the audit trail.")

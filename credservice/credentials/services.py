"""The life of a credential: issue, rotate, revoke, reveal. Every door, page and command goes through here.

The rhythm of issue and revoke (design, section 5): commit the intent with the job that will finish it; call the issuer
outside any transaction (``outside``); commit the outcome with its audit line. An issuer that touches nothing outside
this process (``local``) has no outside to be out of step with: there, intent and outcome are one step.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from credservice.credentials import steps
from credservice.credentials.locks import credential_lock_is_held
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.outside import finish_end, finish_issue
from credservice.credentials.preview import ends_first
from credservice.credentials.queue import enqueue
from credservice.exceptions import Conflict, Invalid, Unavailable
from credservice.issuers.base import Issued, IssueFailed
from credservice.metrics import STALE_HANDOUTS

__all__ = [
    "finish_end",
    "finish_issue",
    "force_end",
    "issued_here",
    "refresh",
    "reveal",
    "revoke",
    "rotate",
    "set_suspended",
    "start_issue",
    "start_successor",
    "update_context",
]

State = Credential.State


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
    """A new credential in the caller's transaction: active where the issuer is local, otherwise pending.

    A pending one is made by :func:`finish_issue` after that transaction has committed, or else by the worker.
    Raises :class:`Invalid` where the issuer refuses the values entered.
    """
    credential = Credential(
        policy=policy, context=dict(context), subject=subject, predecessor=predecessor, predecessor_overlap=overlap
    )
    credential.line = predecessor.line if predecessor else credential.pk
    credential.suspended = suspended or (predecessor is not None and predecessor.suspended)
    if policy.backend().local:
        steps.activate(credential, issued_here(credential, entered), actor)
        return credential
    if entered:
        raise Invalid(f"Policy {policy.name!r} makes its credentials itself; it takes no values.")
    credential.save(force_insert=True)
    enqueue("finish_issue", credential)
    return credential


def start_successor(
    credential: Credential,
    *,
    actor: str,
    entered: Mapping[str, str] | None = None,
    overlap: timedelta | None = None,
) -> Credential:
    """:func:`start_issue` of the next one of a credential's line: for the same subject and context, by its policy."""
    return start_issue(
        policy=credential.policy,
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
) -> Credential:
    """Start the successor of an active credential. Returns the successor: active (local issuer) or pending.

    The predecessor stays good until the successor is active and for ``overlap`` after (the policy's by default; zero
    for "leaked"), never past its own expiry. Where only one may live, it ends first. Raises :class:`Conflict` where the
    credential is not active, or a rotation is pending already and no ``force_reason`` is given to abandon that one.
    """
    with transaction.atomic():
        credential = locked(credential)
        if credential.state != State.ACTIVE:
            raise Conflict(f"Only an active credential can be rotated; this one is {credential.state}.")
        _abandon_pending(credential, actor, force_reason)
        if ends_first(credential):
            steps.begin_end(credential, actor, why="rotated; only one may live")
        return start_successor(credential, actor=actor, entered=entered, overlap=overlap)


def refresh(credential: Credential, *, actor: str) -> tuple[Credential, bool]:
    """What to hand out in place of an active credential that is due: its successor, made now. And: is it stale.

    While the issuer is down, the credential itself, for as long as it is valid and the policy's ``stale_for`` allows;
    then raises :class:`Unavailable`. While somebody else is making the successor, the credential itself.
    """
    if not credential.is_due():
        return credential, False
    try:
        successor = _due_successor(credential, actor)
        if credential.is_usable() and credential_lock_is_held(successor.pk):
            return credential, False
        successor = finish_issue(successor, actor=actor)
        return (successor if successor.is_usable() else credential), not successor.is_usable()
    except Unavailable:
        if credential.may_be_stale():
            STALE_HANDOUTS.inc()
            return credential, True
        raise


def revoke(*, credential: Credential, actor: str, reason: str, predecessors: bool = False) -> Credential:
    """End a credential. From now on it is not handed out; what is outside is ended by :func:`finish_end` or the worker.

    A retiring predecessor is still good, and is what its line hands out then, unless ``predecessors`` ends those as
    well. Repeating it is harmless. Returns it as it now is.
    """
    chosen = Q(pk=credential.pk)
    if predecessors:
        chosen |= Q(line=credential.line, state=State.RETIRING, created_at__lt=credential.created_at)
    with transaction.atomic():
        ending = {found.pk: found for found in Credential.objects.filter(chosen).lock()}
        for found in ending.values():
            if found.state in Credential.UNENDED and not found.is_ending():
                steps.begin_end(found, actor, why=reason)
    return ending[credential.pk]


def force_end(*, credential: Credential, actor: str, reason: str) -> Credential:
    """Call a stuck revocation done, though the issuer never said so. Raises :class:`Invalid` without a reason."""
    _need_reason(reason, "the revocation is forced")
    with transaction.atomic():
        credential = locked(credential)
        if not credential.is_ending():
            raise Conflict("Only a revocation that is under way can be forced.")
        steps.end(credential, credential.final_state(), actor, forced=True, why=reason.strip())
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
    """The values, for a person who says why.

    Raises :class:`Invalid` without a reason, :class:`Conflict` where there are no values.
    """
    _need_reason(reason, "the credential is revealed")
    if credential.sealed_values is None:
        raise Conflict(f"The credential is {credential.state} and has no values.")
    with transaction.atomic():
        steps.record_step("credential.revealed", credential, actor, why=reason.strip())
        return credential.open()


def locked(credential: Credential) -> Credential:
    """The row as it is now, locked until the transaction ends."""
    return Credential.objects.select_for_update(of=("self",)).select_related("policy").get(pk=credential.pk)


def issued_here(credential: Credential, entered: Mapping[str, str] | None) -> Issued:
    """What a local issuer makes for a credential. Raises :class:`Invalid` where it refuses the values entered."""
    policy = credential.policy
    if entered and policy.backend().generates:
        raise Invalid(f"Policy {policy.name!r} makes its credentials itself; it takes no values.", pointer="/values")
    if not entered and not policy.backend().generates:
        names = ", ".join(policy.value_names())
        raise Invalid(f"The values of policy {policy.name!r} are entered: give the new {names}.", pointer="/values")
    try:
        return policy.backend().issue(steps.request_for(credential, entered))
    except IssueFailed as error:
        raise Invalid(f"A credential of policy {policy.name!r} {error}.", pointer="/values") from None


def _abandon_pending(credential: Credential, actor: str, force_reason: str) -> None:
    for pending in Credential.objects.select_related("policy").filter(predecessor=credential, state=State.PENDING):
        if not force_reason:
            raise Conflict(
                f"A rotation has been pending since {pending.created_at:%Y-%m-%d %H:%M} UTC. "
                "Wait for it, or force a new one with a reason."
            )
        # It may have been made outside already, without our knowing: it is ended there like any other.
        steps.begin_end(pending, actor, why=force_reason)


def _due_successor(credential: Credential, actor: str) -> Credential:
    """The pending successor of a due credential, or a new one; however many callers see that it is due."""
    with transaction.atomic():
        credential = locked(credential)
        newest = Credential.objects.select_related("policy", "predecessor").filter(line=credential.line)
        found = newest.filter(state__in=[State.PENDING, State.ACTIVE]).exclude(pk=credential.pk).first()
        if found is not None or credential.state != State.ACTIVE:
            return found or credential
        if ends_first(credential):
            steps.begin_end(credential, actor, why="due; only one may live")
        return start_successor(credential, actor=actor)


def _need_reason(reason: str, why: str) -> None:
    if len(reason.strip()) < 3:
        raise Invalid(f"Say why {why}; the reason is kept in the audit trail.")

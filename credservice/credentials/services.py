"""The life of a credential: issue, rotate, revoke, reveal. Every door, page and command goes through here.

The rhythm of issue and revoke (design, section 5): commit the intent, call the issuer outside any transaction, commit
the outcome with its audit line. An issuer that touches nothing outside this process (``local``) has no outside to
be out of step with: there, intent and outcome are one step in the caller's transaction.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from credservice.audit import record
from credservice.credentials.locks import credential_lock
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.crypto import digest, seal_values
from credservice.exceptions import Conflict, Invalid, Unavailable
from credservice.issuers.base import Issued, IssueFailed, IssueRequest, IssuerUnavailable

State = Credential.State


def start_issue(
    *,
    policy: CredentialPolicy,
    context: Mapping[str, Any],
    subject: str,
    actor: str,
    entered: Mapping[str, str] | None = None,
    predecessor: Credential | None = None,
) -> Credential:
    """A new credential in the caller's transaction: active where the issuer is local, otherwise pending.

    A pending one is made by :func:`finish_issue`, after that transaction has committed.
    Raises :class:`Invalid` where the issuer refuses the values entered.
    """
    credential = Credential(policy=policy, context=dict(context), subject=subject, predecessor=predecessor)
    credential.line = predecessor.line if predecessor else credential.pk
    if policy.backend().local:
        try:
            _fulfil(credential, policy.backend().issue(_request(credential, entered)))
        except IssueFailed as error:
            raise Invalid(f"A credential of policy {policy.name!r} {error}.") from None
    elif entered:
        raise Invalid(f"Policy {policy.name!r} makes its credentials itself; it takes no values.")
    credential.save(force_insert=True)
    if credential.state == State.ACTIVE:
        _record("credential.issued", credential, actor)
    return credential


def finish_issue(credential: Credential, *, actor: str) -> Credential:
    """Have a pending credential made, once, however many callers and workers ask; returns it as it now is.

    To be called outside of any transaction. Raises :class:`Unavailable` while the issuer cannot be reached; a
    credential that can never be made comes back ``failed``, with the reason in the trail.
    """
    if credential.state != State.PENDING:
        return credential
    with credential_lock(credential.pk):
        credential.refresh_from_db()
        if credential.state != State.PENDING:
            return credential
        try:
            issued = credential.policy.backend().issue(_request(credential, None))
        except IssuerUnavailable as error:
            raise Unavailable(
                "The credential cannot be made right now. Try again shortly.", retry_after=error.retry_after
            ) from error
        except IssueFailed as error:
            return _fail(credential, str(error), actor)
        with transaction.atomic():
            _fulfil(credential, issued)
            credential.save()
            _record("credential.issued", credential, actor)
    return credential


def rotate(
    *,
    credential: Credential,
    actor: str,
    overlap: timedelta | None = None,
    entered: Mapping[str, str] | None = None,
) -> Credential:
    """Make the successor of an active credential of a local issuer; hand-outs change to it at once.

    The predecessor stays good for ``overlap`` (the policy's by default, zero for "leaked"), never past its own expiry.
    Raises :class:`Conflict` where the credential is not the active one of its line.
    """
    with transaction.atomic():
        credential = Credential.objects.select_for_update(of=("self",)).select_related("policy").get(pk=credential.pk)
        if credential.state != State.ACTIVE:
            raise Conflict(f"Only an active credential can be rotated; this one is {credential.state}.")
        _retire(credential, credential.policy.overlap if overlap is None else overlap, actor)
        return start_issue(
            policy=credential.policy,
            context=credential.context,
            subject=credential.subject,
            actor=actor,
            entered=entered,
            predecessor=credential,
        )


def revoke(*, credential: Credential, actor: str, reason: str) -> Credential:
    """End a credential. Repeating it is harmless. Returns it as it now is."""
    with transaction.atomic():
        credential = Credential.objects.select_for_update(of=("self",)).select_related("policy").get(pk=credential.pk)
        if credential.state not in Credential.UNENDED:
            return credential
        backend = credential.policy.backend()
        backend.revoke(str(credential.pk), credential.policy.options, credential.handle)
        credential.state, credential.ended_at = State.REVOKED, timezone.now()
        credential.save(update_fields=["state", "ended_at"])
        _record("credential.revoked", credential, actor, why=reason)
    return credential


def reveal(*, credential: Credential, actor: str, reason: str) -> dict[str, str]:
    """The values, for a person who says why. Raises :class:`Invalid` without a reason."""
    if len(reason.strip()) < 3:
        raise Invalid("Say why the credential is revealed; the reason is kept in the audit trail.")
    with transaction.atomic():
        _record("credential.revealed", credential, actor, why=reason.strip())
        return credential.open()


def _request(credential: Credential, entered: Mapping[str, str] | None) -> IssueRequest:
    policy = credential.policy
    return IssueRequest(str(credential.pk), policy.options, credential.context, entered, policy.lifetime)


def _fulfil(credential: Credential, issued: Issued) -> None:
    now = timezone.now()
    lifetime = credential.policy.lifetime
    ends = [end for end in (issued.expires_at, now + lifetime if lifetime else None) if end is not None]
    credential.sealed_values = seal_values(issued.values, credential.place)
    credential.lookup = digest(issued.lookup, "lookup") if issued.lookup else None
    credential.hint, credential.handle = issued.hint, dict(issued.handle)
    credential.expires_at = min(ends, default=None)
    credential.state, credential.activated_at = State.ACTIVE, now


def _fail(credential: Credential, why: str, actor: str) -> Credential:
    with transaction.atomic():
        credential.state, credential.failure, credential.ended_at = State.FAILED, why[:255], timezone.now()
        credential.save(update_fields=["state", "failure", "ended_at"])
        _record("credential.issue", credential, actor, outcome="failed", why=why)
    return credential


def _retire(credential: Credential, overlap: timedelta, actor: str) -> None:
    now = timezone.now()
    if overlap <= timedelta(0):
        credential.state, credential.ended_at = State.REVOKED, now
        credential.policy.backend().revoke(str(credential.pk), credential.policy.options, credential.handle)
        action = "credential.revoked"
    else:
        ends = [end for end in (credential.expires_at, now + overlap) if end is not None]
        credential.state, credential.retires_at = State.RETIRING, min(ends)
        action = "credential.retiring"
    credential.save(update_fields=["state", "ended_at", "retires_at"])
    _record(action, credential, actor)


def _record(action: str, credential: Credential, actor: str, *, outcome: str = "done", **detail: Any) -> None:
    detail |= {"policy": credential.policy.name, "hint": credential.hint}
    record(
        action=action,
        actor=actor,
        outcome=outcome,
        object_type="credential",
        object_id=credential.pk,
        subject=credential.subject,
        detail=detail,
    )

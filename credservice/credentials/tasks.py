"""Issues, ends and expires credentials in the worker. The row says what is left to do after a task was killed.

The sweep, once a minute, finds by index what is due:
expiries, scheduled rotations, and work whose job was lost.
"""

import json
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate.contrib.django import app

from credservice.core.exceptions import ServiceError
from credservice.core.jobs import NeverGiveUp, enqueue
from credservice.credentials import events, issuer_calls, leaks, services, signed_tokens, transitions
from credservice.credentials.hooks import is_taken, policy_of_renewal
from credservice.credentials.models import OWN_END, Credential
from credservice.issuers import get_issuer, issuer_choices
from credservice.keys.services import erase_ended_secrets
from credservice.keys.signing_keys import sweep_signing_keys

log = structlog.get_logger(__name__)
State = Credential.State
ACTOR = "worker"
BATCH = 500
LOST_AFTER = timedelta(minutes=2)


@app.task(name="credentials.finish_issue", retry=NeverGiveUp())
def finish_issue(credential_id: str) -> None:
    issuer_calls.finish_issue(_get(credential_id), actor=ACTOR, insist=True)


@app.task(name="credentials.end", retry=NeverGiveUp())
def end(credential_id: str) -> None:
    """End a retiring credential whose time has come: here at once, outside as soon as its issuer can be reached."""
    credential = _get(credential_id)
    if not credential.is_ending():
        return
    if _ends_here(credential):
        _end_here(credential)
    else:
        issuer_calls.finish_end(credential, actor=ACTOR, insist=True)


@app.task(name="credentials.end_surplus", retry=NeverGiveUp())
def end_surplus(credential_id: str, handle: str, values_digest: str) -> None:
    credential = _get(credential_id)
    digest = bytes.fromhex(values_digest)
    issuer_calls.end_surplus(credential, handle=json.loads(handle), values_digest=digest, actor=ACTOR)


@app.task(name="credentials.note_leak_elsewhere", retry=NeverGiveUp())
def note_leak_elsewhere(credential_id: str, digests: str = "") -> None:
    leaks.note_leak_elsewhere(_get(credential_id), actor=ACTOR, digests=digests)


@app.task(name="credentials.reschedule", retry=NeverGiveUp())
def reschedule(policy_id: str) -> None:
    """Have what is live rotate by the period that its policy has by now, whatever it had when this was enqueued."""
    last = transitions.reschedule(UUID(policy_id), BATCH)
    while last is not None:
        last = transitions.reschedule(UUID(policy_id), BATCH, last)


@app.periodic(cron="* * * * *")
@app.task(name="credentials.sweep", queueing_lock="credentials.sweep", pass_context=False)
def sweep(timestamp: int) -> None:
    """Find what is due and what was lost. ``timestamp`` is the period's, which procrastinate passes."""
    while expire_due() == BATCH:
        pass
    while confirm_expired() == BATCH:
        pass
    rotate_due()
    enqueue_lost()
    sweep_signing_keys(actor=ACTOR)
    signed_tokens.end_those_of_lately_retired()
    while erase_ended() == BATCH:
        pass
    erase_ended_secrets(actor=ACTOR)


def expire_due() -> int:
    """Expire a batch of credentials whose time is over; returns how many there were.

    Those that are ending already are left to their jobs: an issuer that is down must not keep a full batch of them
    before all others.
    """
    with transaction.atomic():
        due = _due(expires_at__lte=timezone.now(), state__in=Credential.USABLE)
        for credential in due:
            if _ends_here(credential):
                transitions.end(credential, State.EXPIRED, ACTOR)
            else:
                transitions.begin_end(credential, ACTOR, why="expired")
    return len(due)


def confirm_expired() -> int:
    """Confirm the end of a batch of leaked tokens that nothing but their expiry could end; returns how many."""
    issuers = [alias for alias, _ in issuer_choices() if get_issuer(alias).expires_itself]
    now = timezone.now()
    left = Credential.objects.filter(outside__in=Credential.STILL_OUTSIDE, policy__issuer__in=issuers)
    # An empty end is none. Times of one zone are in order as texts.
    own = Q(**{f"handle__{OWN_END}__gt": "", f"handle__{OWN_END}__lte": now.isoformat()})
    over = left.filter(own | ~Q(handle__has_key=OWN_END), expires_at__lte=now).order_by("expires_at")
    with transaction.atomic():
        due = list(over.select_for_update(of=("self",), skip_locked=True).select_related("policy")[:BATCH])
        for credential in due:
            transitions.confirm_end(credential, ACTOR, "it has expired")
    return len(due)


def rotate_due() -> None:
    """Rotate what its policy says is old enough. One that cannot be rotated now stays due and stops no other."""
    due = Credential.objects.filter(rotates_at__lte=timezone.now(), state=State.ACTIVE).order_by("rotates_at")
    for credential in due[:BATCH]:
        try:
            if not credential.policy.backend().generates:  # it was due by a policy that had a period for entered values
                Credential.objects.filter(pk=credential.pk).update(rotates_at=None)
            elif not is_taken(credential):
                services.rotate(credential=credential, actor="schedule", policy=policy_of_renewal(credential))
        except (ServiceError, ImproperlyConfigured) as error:
            log.warning("rotation_put_off", credential=str(credential.pk), reason=str(error))


def erase_ended() -> int:
    """Erase the values of a batch of credentials that have ended long enough ago; returns how many there were."""
    long_ago = timezone.now() - timedelta(days=settings.ERASE_ENDED_DAYS)
    with transaction.atomic():
        rows = Credential.objects.select_for_update(of=("self",), skip_locked=True).select_related("policy")
        ended = rows.filter(ended_at__lte=long_ago, sealed_values__isnull=False).exclude(state__in=Credential.UNENDED)
        found = list(ended.order_by("ended_at")[:BATCH])
        if found:
            transitions.erase(found, ACTOR, why=f"ended {settings.ERASE_ENDED_DAYS} days ago")
    return len(found)


def enqueue_lost() -> None:
    """Enqueue again what is under way and has no job in sight, such as after a restored backup."""
    old = timezone.now() - LOST_AFTER
    idle = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=old)
    for credential in Credential.objects.filter(idle, state=State.PENDING, created_at__lte=old)[:BATCH]:
        enqueue("credentials.finish_issue", credential_id=credential.pk)
    for credential in Credential.objects.filter(idle, state=State.RETIRING, retires_at__lte=old)[:BATCH]:
        enqueue("credentials.end", credential_id=credential.pk)


@app.periodic(cron="7 * * * *")
@app.task(name="credentials.tell_expiring", queueing_lock="credentials.tell_expiring", pass_context=False)
def tell_expiring(timestamp: int) -> None:
    events.tell_expiring()


def _ends_here(credential: Credential) -> bool:
    """Tell if nobody outside has to be asked for its end."""
    backend = credential.policy.backend()
    expired = credential.expires_at is not None and credential.expires_at <= timezone.now()
    return backend.local or not backend.can_revoke or (backend.expires_itself and expired)


def _end_here(credential: Credential) -> None:
    with transaction.atomic():
        credential = Credential.objects.lock_one(credential)
        if credential.is_ending():
            transitions.end(credential, credential.final_state(), ACTOR)


def _due(**where: object) -> list[Credential]:
    rows = Credential.objects.select_for_update(of=("self",), skip_locked=True).select_related("policy")
    rows = rows.exclude(state=State.RETIRING, retires_at__lte=timezone.now())
    return list(rows.filter(**where).order_by("expires_at")[:BATCH])


def _get(credential_id: str) -> Credential:
    return Credential.objects.select_related("policy").get(pk=credential_id)

"""Delivers callbacks to the connector (manifold-connector-api.yaml, ``PUT /callbacks/:id``): the outbox.

Every attempt sends the same sealed bytes, so that one which arrived though we never heard of it (a timeout, a crash)
is answered like its repetition: 204. Only 204 ends it well, 409 is an alarm, and nothing is sent after 24 hours.
"""

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid
from credservice.core.jobs import enqueue, pause_after
from credservice.credentials.locks import credential_lock
from credservice.crypto import SealError
from provisioning.manifold.connector.calls import ConnectorError, put_bytes
from provisioning.manifold.connector.tokens import as_client
from provisioning.models import Callback

log = structlog.get_logger(__name__)
State = Callback.State
ACTOR = "worker"
FIRST_PAUSE = timedelta(seconds=2)
WORTH_A_LOOK = 4  # failed attempts: a connector that was away for a moment wakes nobody
# A 404 may mean that the callback has overtaken its 202, or that our token reaches too little: ask some more times.
REFUSALS = 6
SHORTEST_REASON = 3
# Asking again may help whatever these say (RFC 9110; 425: RFC 8470).
PASSING = frozenset({401, 408, 425, 429})


def deliver(callback_id: UUID) -> None:
    """Make the next attempt of a callback that has an outcome to tell; once, however many workers come for it."""
    with credential_lock(callback_id):
        callback = _get(callback_id)
        if callback.state != State.WAITING or callback.sealed_body is None:
            return
        now = timezone.now()
        if now >= callback.awaited_until():
            expire(callback)
        elif callback.next_attempt_at is not None and callback.next_attempt_at > now:
            enqueue("provisioning.deliver", pk=callback.pk, at=callback.next_attempt_at)
        else:
            _attempt(callback)


def expire(callback: Callback) -> None:
    """End one that nobody awaits any more: the marketplace asks again, and is answered then."""
    _end(callback, State.EXPIRED, "nobody awaits it after 24 hours", ACTOR, outcome="failed")


def resend(*, callback: Callback, actor: str) -> None:
    """Send it once more, now, and as long as it is awaited, for an operator. Raises Conflict where nothing is left."""
    with transaction.atomic():
        callback = Callback.objects.select_for_update(of=("self",)).get(pk=callback.pk)
        if callback.sealed_body is None:
            raise Conflict("This callback has nothing to tell: its operation goes on, or its outcome was erased.")
        now = timezone.now()
        callback.state, callback.attempts, callback.next_attempt_at = State.WAITING, 0, now
        # An operator awaits it, from now on.
        callback.requested_at, callback.reason = max(callback.requested_at, now - timedelta(hours=23)), ""
        callback.save(update_fields=["state", "attempts", "next_attempt_at", "requested_at", "reason"])
        record(Line.about(callback, "callback.resent", actor))
        enqueue("provisioning.deliver", pk=callback.pk)


def close(*, callback: Callback, actor: str, reason: str) -> None:
    """End it for an operator: nothing is sent any more. Raises Invalid without a reason, Conflict for an ended one."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise Invalid("Say why the callback is closed; the reason is kept in the audit trail.")
    if not _end(callback, State.CLOSED, reason.strip(), actor):
        raise Conflict("This callback has ended already.")


def erase(callback: Callback) -> None:
    """Erase what is over, the credential in it having ended. The alarm stays for an operator to close."""
    with transaction.atomic():
        callback = _locked(callback)
        if callback.state in Callback.ALARMING and callback.sealed_body is not None:
            callback.sealed_body = None
            callback.save(update_fields=["sealed_body"])
            record(Line.about(callback, "callback.erased", ACTOR))


def _attempt(callback: Callback) -> None:
    try:
        status = _send(callback)
    except (ConnectorError, SealError) as error:
        _put_off(callback, f"the connector {error}" if isinstance(error, ConnectorError) else "it cannot be opened")
        return
    if status == 204:
        _end(callback, State.DELIVERED, "", ACTOR)
    elif status == 409:
        log.error("callback_conflict", callback=str(callback.pk), marketplace=callback.marketplace.name)
        _alarm(callback, State.CONFLICT, "the connector has received another outcome for it (409)")
    elif status >= 500 or status in PASSING or callback.attempts + 1 < REFUSALS:
        _put_off(callback, f"the connector answered {status}")
    else:
        log.error("callback_refused", callback=str(callback.pk), status=status)
        _alarm(callback, State.REFUSED, f"the connector answered {status}, {REFUSALS} times")


def _send(callback: Callback) -> int:
    """Send it; returns the connector's status."""
    marketplace, body = callback.marketplace, callback.open_body()
    return as_client(marketplace, lambda token: put_bytes(marketplace, callback.url, body, token=token)).status_code


def _put_off(callback: Callback, why: str) -> None:
    with transaction.atomic():
        callback = _locked(callback)
        if callback.state != State.WAITING:
            return
        callback.next_attempt_at = timezone.now() + pause_after(callback.attempts, first=FIRST_PAUSE)
        callback.attempts, callback.reason = callback.attempts + 1, why[:255]
        callback.save(update_fields=["attempts", "next_attempt_at", "reason"])
        if callback.attempts & (callback.attempts - 1) == 0:
            record(Line.about(callback, "callback.attempt", ACTOR, {"why": why[:255]}, outcome="failed"))
        enqueue("provisioning.deliver", pk=callback.pk, at=callback.next_attempt_at)
    tell = log.info if callback.attempts < WORTH_A_LOOK else log.warning
    tell("callback_put_off", callback=str(callback.pk), attempts=callback.attempts, why=why[:255])


def _alarm(callback: Callback, state: Callback.State, why: str) -> None:
    """Keep it, with its body, until an operator sends it again or closes it."""
    with transaction.atomic():
        callback = _locked(callback)
        if callback.state == State.WAITING:
            callback.state, callback.reason, callback.next_attempt_at = state, why, None
            callback.attempts += 1
            callback.save(update_fields=["state", "reason", "next_attempt_at", "attempts"])
            record(Line.about(callback, f"callback.{state.value}", ACTOR, {"why": why}, outcome="failed"))


def _end(callback: Callback, state: Callback.State, why: str, actor: str, *, outcome: str = "done") -> bool:
    """Send nothing any more, and erase what would have been. Returns whether that was not so before."""
    with transaction.atomic():
        callback = _locked(callback)
        if callback.state not in (State.WAITING, *Callback.ALARMING):
            return False
        callback.state, callback.reason, callback.sealed_body = state, why[:255], None
        callback.ended_at, callback.next_attempt_at = timezone.now(), None
        callback.save(update_fields=["state", "reason", "sealed_body", "ended_at", "next_attempt_at"])
        detail = {"why": why} if why else {}
        record(Line.about(callback, f"callback.{state.value}", actor, detail, outcome=outcome))
    return True


def _locked(callback: Callback) -> Callback:
    rows = Callback.objects.select_for_update(of=("self",)).select_related("operation__resource")
    return rows.get(pk=callback.pk)


def _get(callback_id: UUID) -> Callback:
    return Callback.objects.select_related("marketplace", "operation__resource").get(pk=callback_id)

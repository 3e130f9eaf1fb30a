"""Asks a marketplace to rotate a credential (manifold-connector-api.yaml, ``PUT /credential-rotations/:id``, alpha).

"Make sure to reuse the rotation_id when retrying": the id is kept with the row, so that however often it is sent, "the
operation will run exactly once". The swap that follows is the marketplace's own calls: another PUT, and a DELETE.
"""

from datetime import timedelta
from uuid import UUID

import httpx2
import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid
from credservice.core.jobs import enqueue, pause_after
from credservice.credentials.locks import credential_lock
from credservice.credentials.models import Credential
from provisioning.manifold.connector.calls import ConnectorError, call
from provisioning.manifold.connector.outbox import FIRST_PAUSE, PASSING, REFUSALS
from provisioning.manifold.connector.tokens import as_client
from provisioning.manifold.ids import new_id
from provisioning.models import CredentialRotation, ResourceCredential

log = structlog.get_logger(__name__)
State = CredentialRotation.State
ACTOR = "worker"
SHORTEST_REASON = 3
# The marketplace "will start processing the request asynchronously": after this long a person should look.
OVERDUE_AFTER = timedelta(hours=24)
BATCH = 500


def ask_rotation(*, resource_credential: ResourceCredential, actor: str, reason: str) -> CredentialRotation:
    """Have the marketplace asked to replace this credential, by the worker.

    Raises Invalid for a reason that the connector would not take, or where there is no OAuth client to ask with;
    Conflict where the credential is gone, or has been asked for already.
    """
    if not SHORTEST_REASON <= len(reason.strip()) <= 256:
        raise Invalid("Say why, in 3 to 256 characters: the marketplace's user may read it.")
    marketplace = resource_credential.marketplace
    if not marketplace.client_id or not marketplace.sealed_client_secret:
        raise Invalid(f"{marketplace} has no OAuth client here, so it cannot be asked. Enter client id and secret.")
    try:
        with transaction.atomic():
            found = ResourceCredential.objects.select_for_update(of=("self",)).get(pk=resource_credential.pk)
            if found.deprovisioned_at is not None:
                raise Conflict("This credential is gone already.")
            rotation = CredentialRotation.objects.create(
                partner_id=new_id(), resource_credential=found, reason=reason.strip(), next_attempt_at=timezone.now()
            )
            record(Line.about(rotation, "credential_rotation.asked", actor, {"why": rotation.reason}))
            enqueue("provisioning.rotate", pk=rotation.pk)
    except IntegrityError:
        raise Conflict("The marketplace has been asked for this rotation already.") from None
    return rotation


def take_scheduled(credential: Credential) -> bool:
    """Ask the marketplace where a scheduled rotation is its to do: it keeps the values, so it has to fetch new ones.

    For :func:`credservice.credentials.hooks.register_taker`. Returns whether its set-up says so.
    """
    bindings = ResourceCredential.objects.select_related("marketplace")
    binding = bindings.filter(credential_id=credential.line, marketplace__rotates=True).first()
    if binding is None:
        return False
    with transaction.atomic():
        # Its successor has another line, and a schedule of its own.
        Credential.objects.filter(pk=credential.pk).update(rotates_at=None)
        try:
            ask_rotation(resource_credential=binding, actor="schedule", reason="Scheduled rotation")
        except Conflict as error:
            log.info("rotation_not_asked", resource_credential=str(binding.pk), why=error.message)
    return True


def send(rotation_id: UUID) -> None:
    """Make the next attempt to have it acknowledged; once, however many workers come for it."""
    with credential_lock(rotation_id):
        rotation = _get(rotation_id)
        if rotation.state != State.ASKING:
            return
        if rotation.resource_credential.deprovisioned_at is not None:
            _end(rotation, State.DONE, ACTOR)
        elif rotation.next_attempt_at is not None and rotation.next_attempt_at > timezone.now():
            enqueue("provisioning.rotate", pk=rotation.pk, at=rotation.next_attempt_at)
        else:
            _attempt(rotation)


def ask_again(*, rotation: CredentialRotation, actor: str) -> None:
    """Send a refused one once more under the same id, for an operator. Raises Conflict for any other."""
    with transaction.atomic():
        rotation = _locked(rotation)
        if rotation.state not in (State.REFUSED, State.ASKING):
            raise Conflict("This rotation needs no other try.")
        rotation.state, rotation.attempts, rotation.failure = State.ASKING, 0, ""
        rotation.next_attempt_at, rotation.ended_at = timezone.now(), None
        rotation.save(update_fields=["state", "attempts", "failure", "next_attempt_at", "ended_at"])
        record(Line.about(rotation, "credential_rotation.asked_again", actor))
        enqueue("provisioning.rotate", pk=rotation.pk)


def close(*, rotation: CredentialRotation, actor: str, reason: str) -> None:
    """Wait for it no longer, says an operator. Raises Invalid without a reason, Conflict for an ended one."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise Invalid("Say why it is closed; the reason is kept in the audit trail.")
    if not _end(rotation, State.CLOSED, actor, why=reason.strip()):
        raise Conflict("This rotation has ended already.")


def finish_swapped() -> None:
    """End as done the rotations whose credential the marketplace has deleted."""
    swapped = CredentialRotation.objects.filter(
        state__in=[*CredentialRotation.LIVE, State.REFUSED], resource_credential__deprovisioned_at__isnull=False
    )
    for rotation in swapped.order_by("created_at")[:BATCH]:
        _end(rotation, State.DONE, ACTOR)


def _attempt(rotation: CredentialRotation) -> None:
    try:
        status = _put(rotation)
    except ConnectorError as error:
        _put_off(rotation, f"the connector {error}")
        return
    if status in (200, 202, 204):
        _acknowledge(rotation)
    elif status >= 500 or status in PASSING or rotation.attempts + 1 < REFUSALS:
        _put_off(rotation, f"the connector answered {status}")
    else:
        log.error("credential_rotation_refused", rotation=str(rotation.pk), status=status)
        _end(rotation, State.REFUSED, ACTOR, why=f"the connector answered {status}, {REFUSALS} times")


def _put(rotation: CredentialRotation) -> int:
    """Ask; returns the connector's status."""
    binding = rotation.resource_credential
    marketplace = binding.marketplace
    body = {
        "resource_id": binding.resource.partner_id,
        "credential_id": binding.partner_id,
        "reason": rotation.reason,
    }
    path = f"/credential-rotations/{rotation.partner_id}"

    def send(token: str) -> httpx2.Response:
        return call(marketplace, "PUT", path, token=token, json=body, status_decides=True)

    return as_client(marketplace, send).status_code


def _acknowledge(rotation: CredentialRotation) -> None:
    with transaction.atomic():
        rotation = _locked(rotation)
        if rotation.state != State.ASKING:
            return
        rotation.state, rotation.acknowledged_at = State.ACKNOWLEDGED, timezone.now()
        rotation.failure, rotation.next_attempt_at = "", None
        rotation.save(update_fields=["state", "acknowledged_at", "failure", "next_attempt_at"])
        record(Line.about(rotation, "credential_rotation.acknowledged", ACTOR))


def _put_off(rotation: CredentialRotation, why: str) -> None:
    with transaction.atomic():
        rotation = _locked(rotation)
        if rotation.state != State.ASKING:
            return
        rotation.next_attempt_at = timezone.now() + pause_after(rotation.attempts, first=FIRST_PAUSE)
        rotation.attempts, rotation.failure = rotation.attempts + 1, why[:255]
        rotation.save(update_fields=["attempts", "next_attempt_at", "failure"])
        if rotation.attempts & (rotation.attempts - 1) == 0:
            line = Line.about(rotation, "credential_rotation.attempt", ACTOR, {"why": why[:255]}, outcome="failed")
            record(line)
        enqueue("provisioning.rotate", pk=rotation.pk, at=rotation.next_attempt_at)


def _end(rotation: CredentialRotation, state: CredentialRotation.State, actor: str, why: str = "") -> bool:
    """End it. Returns whether it had not ended before."""
    with transaction.atomic():
        rotation = _locked(rotation)
        if rotation.state not in (*CredentialRotation.LIVE, State.REFUSED) or rotation.state == state:
            return False
        rotation.state, rotation.failure = state, why[:255]
        rotation.ended_at, rotation.next_attempt_at = timezone.now(), None
        rotation.save(update_fields=["state", "failure", "ended_at", "next_attempt_at"])
        outcome = "failed" if state == State.REFUSED else "done"
        detail = {"why": why} if why else {}
        record(Line.about(rotation, f"credential_rotation.{state.value}", actor, detail, outcome=outcome))
    return True


def _locked(rotation: CredentialRotation) -> CredentialRotation:
    rows = CredentialRotation.objects.select_for_update(of=("self",))
    return rows.select_related("resource_credential__resource").get(pk=rotation.pk)


def _get(rotation_id: UUID) -> CredentialRotation:
    rows = CredentialRotation.objects.select_related(
        "resource_credential__resource", "resource_credential__marketplace"
    )
    return rows.get(pk=rotation_id)

"""Does an operation, in the worker. Each step outside may be repeated, and the row says what is left to do.

Locks are taken in one order, the requests' own: resource, resource credential, credential, operation, callback.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid, ServiceError, Unavailable
from credservice.core.jobs import enqueue, pause_after
from credservice.credentials.issuer_calls import finish_end, finish_issue
from credservice.credentials.locks import credential_lock
from credservice.credentials.models import Credential
from provisioning.models import Operation, Resource, ResourceCredential
from provisioning.provisioners import Never, NotYet, get_provisioner
from provisioning.services.bindings import mark_dead
from provisioning.services.credentials import CANNOT, ENDED, handed_out
from provisioning.services.deferred import record_operation
from provisioning.services.deprovisioning import end_binding, set_state
from provisioning.services.outcome import SHORTEST_MESSAGE, fail, finish
from provisioning.services.plans import put_on_plan
from provisioning.services.resources import record_provisioned

log = structlog.get_logger(__name__)
State, Verb = Operation.State, Operation.Verb
ACTOR = "worker"
STUCK_AFTER = 5  # attempts that came to nothing
Step = Callable[[Operation], None]


def operate(operation_id: UUID) -> None:
    """Do a live operation, or the next attempt of it; once, however many workers come for it."""
    with credential_lock(operation_id):
        operation = _get(operation_id)
        if not operation.is_live():
            return
        Operation.objects.filter(pk=operation.pk, state=State.QUEUED).update(state=State.RUNNING)
        kind = "credential" if operation.resource_credential_id else "resource"
        try:
            _STEPS[kind, Verb(operation.verb)](operation)
        except NotYet as error:
            _put_off(operation, str(error), error.retry_after)
        except Unavailable as error:
            _put_off(operation, error.message, error.retry_after or 0)
        except _Ended:
            log.info("operation_ended_meanwhile", operation=str(operation_id))


def give_up(*, operation: Operation, actor: str, reason: str) -> None:
    """End a live operation for an operator: the marketplace is told that it failed. Raises Conflict, Invalid."""
    if len(reason.strip()) < SHORTEST_MESSAGE:
        raise Invalid("Say why the operation is given up; the reason is kept in the audit trail.")
    with transaction.atomic():
        resource = _lock(Resource, operation.resource_id)
        operation = _live(operation, Conflict("The operation has ended already."))
        if operation.verb == Verb.PROVISION and operation.resource_credential_id is None:
            set_state(resource, Resource.State.FAILED, actor)
        fail(operation, message="The provider could not do this. Ask its support.", actor=actor, why=reason.strip())


# --- resources -----------------------------------------------------------------------------------------------------


def _provision_resource(operation: Operation) -> None:
    try:
        said = _ask_vendor(operation, "provision")
    except Never as refusal:
        with transaction.atomic():
            set_state(_lock(Resource, operation.resource_id), Resource.State.FAILED, ACTOR)
            _refuse(operation, refusal, "The provider could not set up this resource. Ask its support.")
        return
    with transaction.atomic():
        resource = _lock(Resource, operation.resource_id)
        operation = _live(operation)
        resource.state = Resource.State.ACTIVE
        resource.save(update_fields=["state"])
        record_provisioned(resource, ACTOR)
        ready = f"{resource.product} is ready, on the plan {resource.plan}."
        finish(operation, message=_sentence(said, ready), actor=ACTOR)


def _change_plan(operation: Operation) -> None:
    try:
        said = _ask_vendor(operation, "change_plan")
    except Never as refusal:
        with transaction.atomic():
            _lock(Resource, operation.resource_id)
            _refuse(operation, refusal, "The provider could not change the plan. Ask its support.")
        return
    with transaction.atomic():
        resource = _lock(Resource, operation.resource_id)
        operation = _live(operation)
        assert operation.plan is not None
        put_on_plan(resource, operation.plan, operation.features or {}, ACTOR)
        now = f"{resource.product} is now on the plan {operation.plan}."
        finish(operation, message=_sentence(said, now), actor=ACTOR)


def _deprovision_resource(operation: Operation) -> None:
    for credential in Credential.objects.unended().filter(subject=operation.subject).select_related("policy"):
        finish_end(credential, actor=ACTOR, insist=True)
    try:
        said = _ask_vendor(operation, "deprovision")
    except Never as refusal:
        with transaction.atomic():
            _lock(Resource, operation.resource_id)
            _refuse(operation, refusal, "The provider could not remove this resource. Ask its support.")
        return
    with transaction.atomic():
        resource = _lock(Resource, operation.resource_id)
        operation = _live(operation)
        set_state(resource, Resource.State.DEPROVISIONED, ACTOR)
        finish(operation, message=_sentence(said, f"{resource.product} has been removed."), actor=ACTOR)


def _ask_vendor(operation: Operation, act: str) -> str:
    """Have the vendor do it; returns its sentence, empty where the product has no provisioner. Raises NotYet, Never."""
    resource = operation.resource
    if not resource.product.provisioner:
        return ""
    wanted = operation.plan or resource.plan
    content: dict[str, Any] = {
        "resource": resource.partner_id,
        "product": resource.product.label,
        "plan": wanted.label,
        "region": resource.region,
        "features": resource.features if operation.features is None else operation.features,
    }
    if operation.plan is not None:
        content["from_plan"] = resource.plan.label
    try:
        return get_provisioner(resource.product.provisioner).act(act, str(operation.pk), content)
    except ImproperlyConfigured as error:
        raise NotYet(str(error), 60) from None


# --- credentials ---------------------------------------------------------------------------------------------------


def _provision_credential(operation: Operation) -> None:
    credential = finish_issue(_newest(operation), actor=ACTOR, insist=True)
    with transaction.atomic():
        _lock(ResourceCredential, operation.resource_credential_id)
        operation = _live(operation)
        # An ended resource, or an operator, may have ended it in the meantime.
        credential.refresh_from_db()
        if credential.subject != operation.subject:
            fail(operation, message=ENDED, actor=ACTOR, why="the credential is not the resource's own")
        elif credential.state == Credential.State.FAILED:
            mark_dead(credential, timezone.now())
            fail(operation, message=CANNOT, actor=ACTOR, why=credential.failure)
        elif not credential.is_usable():
            fail(operation, message=ENDED, actor=ACTOR, why=f"the credential is {credential.state}")
        else:
            _hand_out(operation, credential)


def _hand_out(operation: Operation, credential: Credential) -> None:
    protocol, values = operation.resource.marketplace.protocol, None
    try:
        if protocol.tells_outcomes:
            values = handed_out(credential, protocol=protocol.name, actor=ACTOR)
    except ServiceError as error:
        fail(operation, message=error.message, actor=ACTOR, why="its value names are not the marketplace's")
        return
    finish(operation, message="The credential is ready to use.", actor=ACTOR, credentials=values)


def _deprovision_credential(operation: Operation) -> None:
    assert operation.resource_credential is not None
    line = Credential.objects.filter(line=operation.resource_credential.credential_id, subject=operation.subject)
    for credential in line.unended().select_related("policy"):
        finish_end(credential, actor=ACTOR, insist=True)
    with transaction.atomic():
        binding = _lock(ResourceCredential, operation.resource_credential_id)
        operation = _live(operation)
        end_binding(binding, ACTOR)
        finish(operation, message="The credential has been removed.", actor=ACTOR)


def _newest(operation: Operation) -> Credential:
    """Find the credential of the line that is handed out, or is being made."""
    assert operation.resource_credential is not None
    line = Credential.objects.select_related("policy").filter(line=operation.resource_credential.credential_id)
    active = line.filter(state=Credential.State.ACTIVE).first()
    return active or line.latest("created_at")


# --- steps of all --------------------------------------------------------------------------------------------------


class _Ended(Exception):
    """Somebody else has ended the operation meanwhile."""


def _live(operation: Operation, otherwise: Exception | None = None) -> Operation:
    rows = Operation.objects.select_for_update(of=("self",))
    rows = rows.select_related("resource__marketplace", "resource__product", "plan")
    found = rows.filter(pk=operation.pk, state__in=Operation.LIVE).first()
    if found is None:
        raise otherwise or _Ended
    return found


def _refuse(operation: Operation, refusal: Never, otherwise: str) -> None:
    fail(_live(operation), message=_sentence(refusal.message, otherwise), actor=ACTOR, why=str(refusal))


def _put_off(operation: Operation, why: str, retry_after: int) -> None:
    """Have the next attempt wait. The trail has the first that came to nothing, and then ever fewer."""
    with transaction.atomic():
        operation = _live(operation)
        pause = max(pause_after(operation.attempts), timedelta(seconds=retry_after))
        operation.attempts += 1
        operation.failure, operation.next_attempt_at = why[:255], timezone.now() + pause
        operation.save(update_fields=["attempts", "failure", "next_attempt_at"])
        if operation.attempts & (operation.attempts - 1) == 0:
            record_operation(
                "operation.attempt", operation, ACTOR, outcome="failed", why=why[:255], attempts=operation.attempts
            )
        enqueue("provisioning.operate", pk=operation.pk, at=operation.next_attempt_at)
    log.warning("operation_put_off", operation=str(operation.pk), attempts=operation.attempts)


def _get(operation_id: UUID) -> Operation:
    rows = Operation.objects.select_related("resource__product", "resource__plan", "resource_credential", "plan")
    return rows.get(pk=operation_id)


def _lock(model: Any, pk: UUID | None) -> Any:
    related = ("product", "plan") if model is Resource else ("resource",)
    return model.objects.select_for_update(of=("self",)).select_related(*related).get(pk=pk)


def _sentence(said: str, otherwise: str) -> str:
    return said if len(said) >= SHORTEST_MESSAGE else otherwise


_STEPS: dict[tuple[str, Operation.Verb], Step] = {
    ("resource", Verb.PROVISION): _provision_resource,
    ("resource", Verb.CHANGE_PLAN): _change_plan,
    ("resource", Verb.DEPROVISION): _deprovision_resource,
    ("credential", Verb.PROVISION): _provision_credential,
    ("credential", Verb.DEPROVISION): _deprovision_credential,
}

"""PUT /v1/credentials/:id."""

import re
from dataclasses import replace
from typing import Any, cast

import structlog
from django.db import transaction
from django.utils import timezone

from credservice.audit import record
from credservice.credentials.models import Credential
from credservice.credentials.services import finish_issue, start_issue
from credservice.exceptions import Conflict, Invalid, ServiceError, Unavailable
from provisioning.live_keys import Caller
from provisioning.models import VALUE_NAME, Operation, Resource, ResourceCredential
from provisioning.services.bindings import BindingLost, Found, bind, find, mark_dead
from provisioning.services.in_time import OutOfTime, in_time
from provisioning.services.later import Accepted, CallbackTo, check_callback, repeated, start, under_way
from provisioning.services.lookup import no_such_resource

log = structlog.get_logger(__name__)
State = Credential.State
ATTEMPTS = 5  # each lost one means that another request got on
CANNOT = "The provider could not make this credential. Ask its support, or create another credential."
ENDED = "This credential has ended. Delete it and create a new one."
Verb = Operation.Verb


def provision_credential(
    *, caller: Caller, credential_id: str, resource_id: str, callback: CallbackTo | None = None
) -> dict[str, str] | Accepted:
    """The values of a new credential of a resource; those of the one made before, where the request is a repeated one.

    Accepted where its product's credentials take long, or where this one does. Raises NotFound for an unknown resource;
    Conflict for an id that is another resource's or has been deprovisioned, and for a second credential where only one
    may live; Invalid where none can be made for this resource; Unavailable while the issuer cannot be reached: then the
    same id can be tried again.
    """
    for _ in range(ATTEMPTS):
        found = find(caller, credential_id, resource_id)
        if found is None or found.resource.state in Resource.GONE:
            raise no_such_resource()
        _check_resource(found)
        if found.binding is not None:
            return _repeated(found, found.binding, caller, callback)
        _check_new(found)
        try:
            return _issued(found, credential_id, caller, callback)
        except BindingLost:
            continue
    raise Unavailable("Too many requests for this credential at once. Try again shortly.")


def _check_resource(found: Found) -> None:
    if found.resource.state == Resource.State.PROVISIONING:
        raise Conflict("The resource is being set up, so it has no credentials yet. Wait for its outcome.")
    if found.resource.state != Resource.State.ACTIVE:
        raise Invalid("The resource is suspended, so it has no credentials now. Ask the provider's support.")


def _check_new(found: Found) -> None:
    if found.others and not found.policy.multiple:
        raise Conflict("This resource has a credential already, and can have only one. Delete that one first.")
    if not found.policy.backend().generates:
        raise Invalid("Credentials of this product are not made on request. Ask the provider's support for yours.")
    _check_names(found.policy.value_names())


def _issued(found: Found, credential_id: str, caller: Caller, callback: CallbackTo | None) -> dict[str, str] | Accepted:
    with transaction.atomic():
        credential = start_issue(
            policy=found.policy, context=_context(found), subject=found.resource.subject, actor=caller.actor
        )
        bind(found, credential, credential_id)
        if credential.state == State.ACTIVE:
            return named_values(credential)
        if found.is_slow:
            return _later(found.resource, credential, caller, callback)
    return _finished(found, credential, caller, callback)


def _repeated(
    found: Found, binding: ResourceCredential, caller: Caller, callback: CallbackTo | None
) -> dict[str, str] | Accepted:
    """What the first request was answered, once more. Raises Conflict where it is no repeated one, or has ended."""
    credential = cast(Credential, found.credential)  # every binding has one
    if binding.resource_id != found.resource.pk:
        raise Conflict("This credential's id belongs to another resource. Use a new id.")
    if credential.state == State.FAILED:
        mark_dead(credential, timezone.now())
        raise Invalid(CANNOT)
    if binding.deprovisioned_at is not None:
        raise Conflict("This credential has been removed, and its id is not used again. Create a new one.")
    if credential.state == State.PENDING:
        return _pending(found, credential, caller, callback)
    if not credential.is_usable():
        raise Conflict(ENDED)
    values = named_values(credential)
    _record_repeated(credential, caller)
    return values


def _pending(
    found: Found, credential: Credential, caller: Caller, callback: CallbackTo | None
) -> dict[str, str] | Accepted:
    """The same request while the credential is being made."""
    with transaction.atomic():
        binding = _binding_of(credential)
        operation = under_way(found.resource, binding)
        if operation is not None:
            return repeated(operation, caller=caller, to=callback, verb=Verb.PROVISION)
        if found.is_slow:
            return _later(found.resource, credential, caller, callback)
    return _finished(found, credential, caller, callback)


def _later(resource: Resource, credential: Credential, caller: Caller, callback: CallbackTo | None) -> Accepted:
    to = check_callback(caller, callback)
    return start(caller=caller, to=to, resource=resource, binding=_binding_of(credential), verb=Verb.PROVISION)


def _binding_of(credential: Credential) -> ResourceCredential:
    return ResourceCredential.objects.select_for_update().get(credential_id=credential.line)


def _finished(
    found: Found, credential: Credential, caller: Caller, callback: CallbackTo | None
) -> dict[str, str] | Accepted:
    """Have the issuer make it, outside of any transaction; by the worker where that takes too long."""
    try:
        made = in_time(lambda: finish_issue(credential, actor=caller.actor))
    except OutOfTime:
        if callback is None:
            raise Unavailable("The credential is being made. Try again shortly.", retry_after=10) from None
        return _pending(replace(found, is_slow=True), credential, caller, callback)
    if made.state == State.FAILED:
        mark_dead(made, timezone.now())
        raise Invalid(CANNOT)
    if not made.is_usable():
        raise Conflict(ENDED)
    return named_values(made)


def named_values(credential: Credential) -> dict[str, str]:
    """What is handed out. Raises ServiceError where the marketplace could not take its names."""
    values = credential.open()
    _check_names(tuple(values))
    return values


def _check_names(names: tuple[str, ...]) -> None:
    # Checked when a policy is saved as well; but a policy may have changed since (protocol notes, row 5).
    wrong = [name for name in names if not re.fullmatch(VALUE_NAME, name)]
    if wrong or not names:
        log.error("value_names_unfit", names=wrong)
        raise ServiceError("The provider's set-up of this product is faulty. Ask its support.")


def _context(found: Found) -> dict[str, Any]:
    return {
        "resource": found.resource.partner_id,
        "product": found.product,
        "plan": found.plan,
        "region": found.resource.region,
        "features": found.resource.features,
    }


def _record_repeated(credential: Credential, caller: Caller) -> None:
    record(
        action="credential.handed_out",
        actor=caller.actor,
        outcome="granted",
        object_type="credential",
        object_id=credential.pk,
        subject=credential.subject,
        detail={"hint": credential.hint},
    )

"""PUT /v1/credentials/:id."""

import re
from typing import Any, cast

import structlog
from django.db import transaction
from django.utils import timezone

from credservice.audit import record
from credservice.credentials.models import Credential
from credservice.credentials.services import finish_issue, start_issue
from credservice.exceptions import Conflict, Invalid, ServiceError, Unavailable
from provisioning.live_keys import Caller
from provisioning.models import VALUE_NAME, Resource, ResourceCredential
from provisioning.services.bindings import BindingLost, Found, bind, find, mark_dead
from provisioning.services.lookup import no_such_resource

log = structlog.get_logger(__name__)
State = Credential.State
ATTEMPTS = 5  # each lost one means that another request got on


def provision_credential(*, caller: Caller, credential_id: str, resource_id: str) -> dict[str, str]:
    """The values of a new credential of a resource; those of the one made before, where the request is a repeated one.

    Raises NotFound for an unknown resource; Conflict for an id that is another resource's or has been deprovisioned,
    and for a second credential where only one may live; Invalid where none can be made for this resource; Unavailable
    while the issuer cannot be reached: then the same id can be tried again.
    """
    for _ in range(ATTEMPTS):
        found = find(caller, credential_id, resource_id)
        if found is None or found.resource.state in Resource.GONE:
            raise no_such_resource()
        _check_resource(found)
        if found.binding is not None:
            return _repeated(found, found.binding, caller)
        _check_new(found)
        try:
            return _issued(found, credential_id, caller)
        except BindingLost:
            continue
    raise Unavailable("Too many requests for this credential at once. Try again shortly.")


def _check_resource(found: Found) -> None:
    if found.resource.state != Resource.State.ACTIVE:
        raise Invalid("The resource is suspended, so it has no credentials now. Ask the provider's support.")


def _check_new(found: Found) -> None:
    if found.others and not found.policy.multiple:
        raise Conflict("This resource has a credential already, and can have only one. Delete that one first.")
    if not found.policy.backend().generates:
        raise Invalid("Credentials of this product are not made on request. Ask the provider's support for yours.")
    _check_names(found.policy.value_names())


def _issued(found: Found, credential_id: str, caller: Caller) -> dict[str, str]:
    with transaction.atomic():
        credential = start_issue(
            policy=found.policy, context=_context(found), subject=found.resource.subject, actor=caller.actor
        )
        bind(found, credential, credential_id)
        if credential.state == State.ACTIVE:
            return _values(credential)
    return _finished(credential, caller)


def _repeated(found: Found, binding: ResourceCredential, caller: Caller) -> dict[str, str]:
    """What the first request was answered, once more. Raises Conflict where it is no repeated one, or has ended."""
    credential = cast(Credential, found.credential)  # every binding has one
    if binding.resource_id != found.resource.pk:
        raise Conflict("This credential's id belongs to another resource. Use a new id.")
    if credential.state == State.FAILED:
        return _finished(credential, caller)
    if binding.deprovisioned_at is not None:
        raise Conflict("This credential has been removed, and its id is not used again. Create a new one.")
    if credential.state == State.PENDING:
        return _finished(credential, caller)
    if not credential.is_usable():
        raise Conflict("This credential has ended. Delete it and create a new one.")
    values = _values(credential)
    _record_repeated(credential, caller)
    return values


def _finished(credential: Credential, caller: Caller) -> dict[str, str]:
    """Have the issuer make it, outside of any transaction."""
    credential = finish_issue(credential, actor=caller.actor)
    if credential.state == State.FAILED:
        mark_dead(credential, timezone.now())
        raise Invalid("The provider could not make this credential. Ask its support, or create another credential.")
    if not credential.is_usable():
        raise Conflict("This credential has ended. Delete it and create a new one.")
    return _values(credential)


def _values(credential: Credential) -> dict[str, str]:
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

"""Provisions a credential of a resource.

A request goes through four steps in a line, and each may already have the answer:

    find -> begin (a new id) or repeat (a known one) -> make (outside) -> hand out

Work that takes long leaves the line with :class:`Accepted`: the worker goes on, and the outcome is told.
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from django.db import transaction
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid, ServiceError, Unavailable
from credservice.core.hot_statements import together
from credservice.credentials.models import Credential
from credservice.credentials.services import finish_issue, start_issue
from provisioning.caller import Caller
from provisioning.models import Operation, Resource, ResourceCredential
from provisioning.protocols import get_protocol
from provisioning.refusals import ONE_ONLY, OTHER_ATTRIBUTES, REMOVED, SUSPENDED, UNDER_WAY
from provisioning.services.bindings import BindingLost, Found, bind, find, mark_dead, may_be_lost
from provisioning.services.deadline import OutOfTime, in_time
from provisioning.services.deferred import Accepted, ReplyTo, repeated, start, under_way
from provisioning.services.lookup import no_such_credential, no_such_resource

log = structlog.get_logger(__name__)
State = Credential.State
ATTEMPTS = 5  # each lost one means that another request got on
CANNOT = "The provider could not make this credential. Ask its support, or create another credential."
ENDED = "This credential has ended. Delete it and create a new one."
Verb = Operation.Verb
Values = dict[str, str]


class Provided(NamedTuple):
    """Holds the values of a credential, and tells whether this request has made it or has found what the first made."""

    values: Values
    credential: Credential
    is_new: bool


@dataclass(frozen=True)
class _Put:
    """One request."""

    caller: Caller
    credential_id: str
    resource_id: str
    reply_to: ReplyTo


def provision_credential(
    *, caller: Caller, credential_id: str, resource_id: str, reply_to: ReplyTo, found: Found | None = None
) -> Provided | Accepted:
    """Provide the values of a new credential of a resource, or of the one made before where the request is repeated.

    ``found`` is what the look-up of the caller found for these ids, where it looked for them.
    Accepted where its product's credentials take long, or where this one does. Raises NotFound for an unknown resource;
    Conflict for an id that is another resource's or has been deprovisioned, and for a second credential where only one
    may live; Invalid where none can be made for this resource; Unavailable while the issuer cannot be reached: then the
    same id can be tried again.
    """
    put = _Put(caller, credential_id, resource_id, reply_to)
    for _ in range(ATTEMPTS):
        found = _checked(found or find(caller, credential_id, resource_id))
        try:
            begun = _begin(put, found) if found.credential is None else _repeat(put, found, found.credential)
        except BindingLost:
            found = None
            continue
        made = _make(put, found, begun) if isinstance(begun, Credential) else begun
        return _hand_out(put, made, found.credential is None) if isinstance(made, Credential) else made
    raise Unavailable("Too many requests for this credential at once. Try again shortly.")


def _checked(found: Found | None) -> Found:
    """Refuse a resource that cannot have credentials."""
    if found is None or found.state in Resource.GONE:
        raise no_such_resource()
    if found.state == Resource.State.PROVISIONING:
        raise Conflict(
            "The resource is being set up, so it has no credentials yet. Wait for its outcome.", code=UNDER_WAY
        )
    if found.state != Resource.State.ACTIVE:
        raise Invalid(
            "The resource is suspended, so it has no credentials now. Ask the provider's support.", code=SUSPENDED
        )
    return found


def _begin(put: _Put, found: Found) -> Provided | Credential | Accepted:
    """Commit the intent: a credential under the new id. A local issuer's is made at once, in the same transaction."""
    _check_new(found, put.caller.protocol)
    if found.policy.backend().local:
        with may_be_lost(), together():
            credential = _start(put, found)
        # "credential.issued" is the line of this hand-out.
        return Provided(_named_values(credential, put.caller.protocol), credential, True)
    with may_be_lost(), transaction.atomic():
        credential = _start(put, found)
        return _promise(put, found, credential, is_slow=True) if found.is_slow else credential


def _start(put: _Put, found: Found) -> Credential:
    """Make or begin a credential under the new id, in the caller's transaction."""
    credential = start_issue(
        policy=found.policy, context=_context(found), subject=found.subject, actor=put.caller.actor
    )
    bind(found, credential, put.credential_id)
    return credential


def _check_new(found: Found, protocol: str) -> None:
    if found.others and not found.policy.multiple:
        raise Conflict(
            "This resource has a credential already, and can have only one. Delete that one first.", code=ONE_ONLY
        )
    if not found.policy.backend().generates:
        raise Invalid("Credentials of this product are not made on request. Ask the provider's support for yours.")
    _check_names(found.policy.value_names(), protocol)


def _context(found: Found) -> dict[str, Any]:
    return {
        "resource": found.resource,
        "product": found.product,
        "plan": found.plan,
        "region": found.region,
        "features": json.loads(found.features),
    }


def _repeat(put: _Put, found: Found, credential: Credential) -> Credential | Accepted:
    """Take up what the first request began. Raises Conflict where this is another one, or where that was removed."""
    if found.bound_to != found.resource_id:
        raise Conflict("This credential's id belongs to another resource. Use a new id.", code=OTHER_ATTRIBUTES)
    check_owner(credential, found.subject)
    if found.deprovisioned_at is not None and credential.state != State.FAILED:
        raise Conflict(
            "This credential has been removed, and its id is not used again. Create a new one.", code=REMOVED
        )
    if credential.state != State.PENDING:
        return credential
    return _promise(put, found, credential, is_slow=found.is_slow)


def _make(put: _Put, found: Found, credential: Credential) -> Credential | Accepted:
    """Have the issuer make a pending one, outside of any transaction; leave that to the worker if it takes too long."""
    if credential.state != State.PENDING:
        return credential
    try:
        made = in_time(lambda: finish_issue(credential, actor=put.caller.actor))
    except OutOfTime:
        if not put.reply_to.is_given:
            raise Unavailable("The credential is being made. Try again shortly.", retry_after=10) from None
        return _promise(put, found, credential, is_slow=True)
    _checked(find(put.caller, put.credential_id, put.resource_id))  # it may have been suspended meanwhile
    return made


def _promise(put: _Put, found: Found, credential: Credential, *, is_slow: bool) -> Credential | Accepted:
    """Join the operation that makes a pending credential. Where there is none, start one if it is slow, or go on."""
    with transaction.atomic():
        rows = ResourceCredential.objects.select_for_update(of=("self",)).select_related("resource__product")
        binding = rows.get(credential_id=credential.line)
        operation = under_way(binding.resource, binding)
        if operation is not None:
            return repeated(operation, reply_to=put.reply_to, verb=Verb.PROVISION)
        if not is_slow:
            return credential
        return start(
            caller=put.caller, reply_to=put.reply_to, resource=binding.resource, binding=binding, verb=Verb.PROVISION
        )


def _hand_out(put: _Put, credential: Credential, is_new: bool) -> Provided:
    """Give what was made before or outside. Raises Invalid where it could not be made, Conflict where it has ended."""
    if credential.state == State.FAILED:
        mark_dead(credential, timezone.now())
        raise Invalid(CANNOT)
    if not credential.is_usable():
        raise Conflict(ENDED)
    return Provided(handed_out(credential, protocol=put.caller.protocol, actor=put.caller.actor), credential, is_new)


def read_credential(*, caller: Caller, credential_id: str, resource_id: str) -> Provided:
    """Hand out again what was provided, or what the worker has made since, with a line of its own.

    Raises NotFound where there is no such credential of the resource, none any more, or none yet.
    """
    found = _checked(find(caller, credential_id, resource_id))
    credential = found.credential
    if credential is None or found.bound_to != found.resource_id:
        raise no_such_credential()
    check_owner(credential, found.subject)
    if found.deprovisioned_at is not None or not credential.is_usable():
        raise no_such_credential()
    return Provided(handed_out(credential, protocol=caller.protocol, actor=caller.actor), credential, False)


def check_owner(credential: Credential, subject: str) -> None:
    """Refuse a credential that is not this resource's own, though a binding names it. Raises Conflict."""
    if credential.subject != subject:
        log.error("credential_of_another", credential=str(credential.pk), subject=subject)
        raise Conflict(ENDED, code="credential_of_another")


def handed_out(credential: Credential, *, protocol: str, actor: str) -> Values:
    """Open the values for the marketplace, with a line in the trail: who made the credential may be somebody else.

    The line is in the caller's transaction; without one, it is committed when this returns. Raises ServiceError where
    the marketplace's ``protocol`` could not take the values' names.
    """
    values = _named_values(credential, protocol)
    record(Line.about(credential, "credential.handed_out", actor, outcome="granted"))
    return values


def _named_values(credential: Credential, protocol: str) -> Values:
    values = credential.open()
    _check_names(tuple(values), protocol)
    return values


def _check_names(names: tuple[str, ...], protocol: str) -> None:
    # Checked when a policy is saved as well; but a policy may have changed since (protocol notes, row 5).
    wrong = [name for name in names if not get_protocol(protocol).value_name.fullmatch(name)]
    if wrong or not names:
        log.error("value_names_unfit", names=wrong)
        raise ServiceError("The provider's set-up of this product is faulty. Ask its support.")

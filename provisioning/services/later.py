"""Work that is answered with 202 and done by the worker: how it starts, and how a repeated request finds it.

"Some requests cannot be completed by the provider within 60 seconds" (manifold-provider-api.yaml, "Callbacks").
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from credservice.audit import record
from credservice.exceptions import Conflict, Invalid
from provisioning.connector.calls import ConnectorRefused, check_connector_url
from provisioning.live_keys import Caller
from provisioning.models import MAX_CALLBACK_URL, Callback, Marketplace, Operation, Plan, Resource, ResourceCredential
from provisioning.queue import enqueue

_ID = re.compile(r"[0-9abcdefghjkmnpqrtuvwxyz]{29}")
State, Verb = Operation.State, Operation.Verb
SUPERSEDED = "a repeated request brought a newer callback"


@dataclass(frozen=True)
class CallbackTo:
    """``X-Callback-ID`` and ``X-Callback-URL`` of a request, both under its signature; not judged yet."""

    id: str
    url: str


@dataclass(frozen=True)
class Accepted:
    """The answer 202: ``message`` for the marketplace's user."""

    message: str


def check_callback(caller: Caller, to: CallbackTo | None) -> CallbackTo:
    """``to`` where an outcome may be told there. Raises Invalid: without it, slow work has no way to be answered."""
    if to is None or not to.id or not to.url:
        raise Invalid("This takes longer than a request may. Send X-Callback-ID and X-Callback-URL, both signed.")
    if not _ID.fullmatch(to.id):
        raise Invalid("X-Callback-ID is 29 characters of 0-9 and a-z without i, l, o and s.")
    try:
        check_connector_url(Marketplace.objects.get(pk=caller.marketplace_id), to.url[: MAX_CALLBACK_URL + 1])
    except ConnectorRefused as error:
        raise Invalid(f"X-Callback-URL {error}.") from None
    return to


def start(
    *,
    caller: Caller,
    to: CallbackTo,
    resource: Resource,
    verb: Operation.Verb,
    binding: ResourceCredential | None = None,
    plan: Plan | None = None,
    features: dict[str, Any] | None = None,
) -> Accepted:
    """Promise the work, in the caller's transaction, which has locked the object and found nothing under way."""
    operation = Operation.objects.create(
        resource=resource,
        resource_credential=binding,
        verb=verb,
        plan=plan,
        features=features,
        fingerprint=fingerprint(verb, plan, features),
    )
    _attach(operation, caller, to)
    record_operation("operation.queued", operation, caller.actor)
    enqueue("operate", operation.pk)
    return _accepted(operation)


def under_way(resource: Resource, binding: ResourceCredential | None = None) -> Operation | None:
    """The live operation of a resource, or of one credential of it, locked: it does not end before the caller does."""
    live = Operation.objects.select_for_update(of=("self",)).select_related("resource__product", "plan")
    live = live.filter(resource=resource, resource_credential=binding, state__in=Operation.LIVE)
    return live.first()


def repeated(
    operation: Operation,
    *,
    caller: Caller,
    to: CallbackTo | None,
    verb: Operation.Verb,
    plan: Plan | None = None,
    features: dict[str, Any] | None = None,
) -> Accepted:
    """The answer to a request during a live operation, in the caller's transaction; the newest callback is kept.

    Raises Conflict where it asks for something else than what is under way.
    """
    if fingerprint(verb, plan, features) != bytes(operation.fingerprint):
        raise Conflict(f"The {operation.get_verb_display()} of it is under way. Wait for its outcome.")
    _attach(operation, caller, check_callback(caller, to))
    return _accepted(operation)


def fingerprint(verb: Operation.Verb, plan: Plan | None, features: dict[str, Any] | None) -> bytes:
    """SHA-256 of what tells two requests about the same object apart."""
    content = [verb.value, plan and plan.label, features]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def record_operation(action: str, operation: Operation, actor: str, *, outcome: str = "done", **detail: Any) -> None:
    record(
        action=action,
        actor=actor,
        outcome=outcome,
        object_type="operation",
        object_id=operation.pk,
        subject=operation.subject,
        detail={"verb": operation.verb, "of": str(operation.object)} | detail,
    )


def _attach(operation: Operation, caller: Caller, to: CallbackTo) -> None:
    known = Callback.objects.select_for_update(of=("self",)).select_related("operation")
    found = known.filter(marketplace_id=caller.marketplace_id, partner_id=to.id).first()
    if found is not None and not _may_serve(found, operation):
        raise Conflict("This X-Callback-ID belongs to another request. Send a new one.")
    callback = found or Callback(marketplace_id=caller.marketplace_id, partner_id=to.id)
    now = timezone.now()
    operation.callbacks.filter(state=Callback.State.WAITING).exclude(pk=callback.pk).update(
        state=Callback.State.CLOSED, reason=SUPERSEDED, ended_at=now
    )
    callback.operation, callback.url, callback.requested_at = operation, to.url, now
    callback.state, callback.reason, callback.sealed_body = Callback.State.WAITING, "", None
    callback.attempts, callback.next_attempt_at, callback.ended_at = 0, None, None
    try:
        with transaction.atomic():
            callback.save()
    except IntegrityError:  # another request at this very moment
        raise Conflict("This X-Callback-ID belongs to another request. Send a new one.") from None


def _may_serve(callback: Callback, operation: Operation) -> bool:
    """Whether a callback that is known may tell of this operation: of the same object, and nothing told yet."""
    earlier = callback.operation
    same = (earlier.resource_id, earlier.resource_credential_id) == (
        operation.resource_id,
        operation.resource_credential_id,
    )
    return same and callback.state != Callback.State.DELIVERED


def _accepted(operation: Operation) -> Accepted:
    what = f"a credential of {operation.resource.product}" if operation.resource_credential_id else ""
    what = what or str(operation.resource.product)
    doing = {
        Verb.PROVISION: f"We are setting up {what}. This may take a while.",
        Verb.CHANGE_PLAN: f"We are changing the plan of {what} to {operation.plan}. This may take a while.",
        Verb.DEPROVISION: f"We are removing {what}. This may take a while.",
    }
    return Accepted(doing[Verb(operation.verb)])

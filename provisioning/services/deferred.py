"""Starts work that outlasts its request, which is answered with 202; a repeated request finds it under way.

"Some requests cannot be completed by the provider within 60 seconds" (manifold-provider-api.yaml, "Callbacks").
"""

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict
from credservice.core.jobs import enqueue
from provisioning.caller import Caller
from provisioning.models import Operation, Plan, Resource, ResourceCredential
from provisioning.refusals import UNDER_WAY

Verb = Operation.Verb


class ReplyTo(ABC):
    """Says how a request wants to hear the outcome of work that outlasts it. Each protocol has its own way."""

    @property
    @abstractmethod
    def is_given(self) -> bool:
        """Tell whether the request names any way."""

    @abstractmethod
    def attach(self, operation: Operation) -> None:
        """Have the outcome told so, and no more as an earlier request wanted it. In the caller's transaction.

        Raises Invalid where no outcome can be told so, Conflict where this way is another request's.
        """


@dataclass(frozen=True)
class Accepted:
    """Answers that the work is taken on; ``message`` is for the marketplace's user."""

    message: str
    operation: Operation


def start(
    *,
    caller: Caller,
    reply_to: ReplyTo,
    resource: Resource,
    verb: Operation.Verb,
    binding: ResourceCredential | None = None,
    plan: Plan | None = None,
    features: dict[str, Any] | None = None,
) -> Accepted:
    """Promise the work, in the caller's transaction, which has locked the object and found nothing under way.

    Raises Invalid where the request does not say how it would hear the outcome.
    """
    operation = Operation.objects.create(
        resource=resource,
        resource_credential=binding,
        verb=verb,
        plan=plan,
        features=features,
        fingerprint=fingerprint(verb, plan, features),
    )
    reply_to.attach(operation)
    record_operation("operation.queued", operation, caller.actor)
    enqueue("provisioning.operate", pk=operation.pk)
    return _accepted(operation)


def under_way(resource: Resource, binding: ResourceCredential | None = None) -> Operation | None:
    """Find the live operation of a resource, or of one credential of it, and lock it: it outlasts the caller."""
    live = Operation.objects.select_for_update(of=("self",)).select_related("resource__product", "plan")
    live = live.filter(resource=resource, resource_credential=binding, state__in=Operation.LIVE)
    return live.first()


def repeated(
    operation: Operation,
    *,
    reply_to: ReplyTo,
    verb: Operation.Verb,
    plan: Plan | None = None,
    features: dict[str, Any] | None = None,
) -> Accepted:
    """Answer a request that comes during a live operation, in the caller's transaction.

    Raises Conflict where it asks for something else than what is under way, Invalid like :func:`start`.
    """
    if fingerprint(verb, plan, features) != bytes(operation.fingerprint):
        raise Conflict(f"The {operation.get_verb_display()} of it is under way. Wait for its outcome.", code=UNDER_WAY)
    reply_to.attach(operation)
    return _accepted(operation)


def fingerprint(verb: Operation.Verb, plan: Plan | None, features: dict[str, Any] | None) -> bytes:
    """Digest (SHA-256) what tells two requests about the same object apart."""
    content = [verb.value, plan and plan.label, features]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def record_operation(action: str, operation: Operation, actor: str, *, outcome: str = "done", **detail: Any) -> None:
    record(Line.about(operation, action, actor, detail, outcome=outcome))


def _accepted(operation: Operation) -> Accepted:
    what = f"a credential of {operation.resource.product}" if operation.resource_credential_id else ""
    what = what or str(operation.resource.product)
    doing = {
        Verb.PROVISION: f"We are setting up {what}. This may take a while.",
        Verb.CHANGE_PLAN: f"We are changing the plan of {what} to {operation.plan}. This may take a while.",
        Verb.DEPROVISION: f"We are removing {what}. This may take a while.",
    }
    return Accepted(doing[Verb(operation.verb)], operation)

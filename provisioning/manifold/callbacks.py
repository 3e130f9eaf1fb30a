"""Keeps where a request wants the outcome of slow work, and puts what is told there into the outbox."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid
from credservice.core.jobs import enqueue
from credservice.crypto import seal
from provisioning.manifold import ids
from provisioning.manifold.connector.calls import ConnectorRefused, check_connector_url
from provisioning.manifold.messages import message as fitted
from provisioning.models import MAX_CALLBACK_URL, Callback, Marketplace, Operation
from provisioning.services.deferred import ReplyTo

State = Callback.State
SUPERSEDED = "a repeated request brought a newer callback"


@dataclass(frozen=True)
class CallbackTo(ReplyTo):
    """``X-Callback-ID`` and ``X-Callback-URL`` of a request, both under its signature; empty where not sent."""

    marketplace_id: UUID
    id: str
    url: str

    @property
    def is_given(self) -> bool:
        return bool(self.id or self.url)

    def attach(self, operation: Operation) -> None:
        """Make this the operation's newest callback, the one that is told."""
        self._check()
        callback = self._find(operation)
        now = timezone.now()
        operation.callbacks.filter(state=State.WAITING).exclude(pk=callback.pk).update(
            state=State.CLOSED, reason=SUPERSEDED, ended_at=now
        )
        callback.operation, callback.url, callback.requested_at = operation, self.url, now
        callback.state, callback.reason, callback.sealed_body = State.WAITING, "", None
        callback.attempts, callback.next_attempt_at, callback.ended_at = 0, None, None
        try:
            with transaction.atomic():
                callback.save()
        except IntegrityError:  # another request at this very moment
            raise _taken() from None

    def _check(self) -> None:
        if not self.id or not self.url:
            raise Invalid("This takes longer than a request may. Send X-Callback-ID and X-Callback-URL, both signed.")
        if not ids.is_id(self.id):
            raise Invalid(f"X-Callback-ID is {ids.FORM}.")
        try:
            check_connector_url(Marketplace.objects.get(pk=self.marketplace_id), self.url[: MAX_CALLBACK_URL + 1])
        except ConnectorRefused as error:
            raise Invalid(f"X-Callback-URL {error}.") from None

    def _find(self, operation: Operation) -> Callback:
        rows = Callback.objects.select_for_update(of=("self",)).select_related("operation")
        found = rows.filter(marketplace_id=self.marketplace_id, partner_id=self.id).first()
        if found is not None and not _may_serve(found, operation):
            raise _taken()
        return found or Callback(marketplace_id=self.marketplace_id, partner_id=self.id)


def _may_serve(callback: Callback, operation: Operation) -> bool:
    """Tell whether a known callback may be the operation's: of the same object, and nothing told yet."""
    earlier = callback.operation
    same = (earlier.resource_id, earlier.resource_credential_id) == (
        operation.resource_id,
        operation.resource_credential_id,
    )
    return same and callback.state != State.DELIVERED


def _taken() -> Conflict:
    return Conflict("This X-Callback-ID belongs to another request. Send a new one.")


def tell(operation_id: UUID, *, done: bool, message: str, credentials: Mapping[str, str] | None) -> None:
    """Put the outcome into the outbox for the operation's callback, in the transaction that ends the operation."""
    waiting = Callback.objects.select_for_update().filter(operation_id=operation_id, state=State.WAITING).first()
    if waiting is None:
        return
    # Sealed as the very bytes: "if the payloads do not match the route will return a 409 Conflict".
    waiting.sealed_body = seal(_body(done, message, credentials), waiting.place)
    waiting.next_attempt_at = timezone.now()
    waiting.save(update_fields=["sealed_body", "next_attempt_at"])
    enqueue("provisioning.deliver", pk=waiting.pk)


def _body(done: bool, message: str, credentials: Mapping[str, str] | None) -> bytes:
    """Definition ``CallbackResponse``: ``credentials`` for the provisioning of a credential, and nothing else."""
    body = {"state": "done" if done else "error", **fitted(message)}
    content = body if credentials is None else {**body, "credentials": dict(credentials)}
    return json.dumps(content, separators=(",", ":")).encode()

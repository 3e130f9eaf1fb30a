"""The outcome of an operation, and the callback that tells it."""

import json
from collections.abc import Mapping

from django.utils import timezone

from credservice.crypto import seal
from provisioning.models import Callback, Operation
from provisioning.queue import enqueue
from provisioning.sentences import message as fitted
from provisioning.services.later import record_operation

State = Operation.State
SHORTEST_MESSAGE = 3


def finish(
    operation: Operation, *, message: str, actor: str, credentials: Mapping[str, str] | None = None, why: str = ""
) -> None:
    """It is done. In the caller's transaction, which holds the operation's lock."""
    _end(operation, State.SUCCEEDED, message, actor, credentials, why)


def fail(operation: Operation, *, message: str, actor: str, why: str) -> None:
    """It cannot be done: ``message`` for the marketplace's user, ``why`` for the trail."""
    _end(operation, State.FAILED, message, actor, None, why)


def callback_body(*, done: bool, message: str, credentials: Mapping[str, str] | None) -> bytes:
    """Definition ``CallbackResponse``: ``credentials`` for the provisioning of a credential, and nothing else."""
    body = {"state": "done" if done else "error", **fitted(message)}
    content = body if credentials is None else {**body, "credentials": dict(credentials)}
    return json.dumps(content, separators=(",", ":")).encode()


def _end(
    operation: Operation,
    state: Operation.State,
    message: str,
    actor: str,
    credentials: Mapping[str, str] | None,
    why: str,
) -> None:
    operation.state, operation.message = state, fitted(message)["message"]
    operation.failure, operation.next_attempt_at, operation.finished_at = why[:255], None, timezone.now()
    operation.save(update_fields=["state", "message", "failure", "next_attempt_at", "finished_at"])
    detail = {"why": why[:255]} if why else {}
    outcome = "done" if state == State.SUCCEEDED else "failed"
    record_operation(f"operation.{state.value}", operation, actor, outcome=outcome, **detail)
    waiting = operation.callbacks.select_for_update().filter(state=Callback.State.WAITING).first()
    if waiting is not None:
        body = callback_body(done=state == State.SUCCEEDED, message=operation.message, credentials=credentials)
        # Sealed as the very bytes: "if the payloads do not match the route will return a 409 Conflict".
        waiting.sealed_body, waiting.next_attempt_at = seal(body, waiting.place), timezone.now()
        waiting.save(update_fields=["sealed_body", "next_attempt_at"])
        enqueue("deliver", waiting.pk)

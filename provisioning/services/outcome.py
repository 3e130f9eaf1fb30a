"""Ends an operation, and has its outcome told as the marketplace's protocol does."""

from collections.abc import Mapping

from django.utils import timezone

from provisioning.models import Operation
from provisioning.services.deferred import record_operation
from provisioning.wording import shortened

State = Operation.State
SHORTEST_MESSAGE, LONGEST_MESSAGE = 3, 255


def finish(
    operation: Operation, *, message: str, actor: str, credentials: Mapping[str, str] | None = None, why: str = ""
) -> None:
    """End an operation that is done. In the caller's transaction, which holds the operation's lock."""
    _end(operation, State.SUCCEEDED, message, actor, credentials, why)


def fail(operation: Operation, *, message: str, actor: str, why: str) -> None:
    """End an operation that cannot be done: ``message`` for the marketplace's user, ``why`` for the trail."""
    _end(operation, State.FAILED, message, actor, None, why)


def _end(
    operation: Operation,
    state: Operation.State,
    message: str,
    actor: str,
    credentials: Mapping[str, str] | None,
    why: str,
) -> None:
    operation.state, operation.message = state, shortened(message, LONGEST_MESSAGE)
    operation.failure, operation.next_attempt_at, operation.finished_at = why[:255], None, timezone.now()
    operation.save(update_fields=["state", "message", "failure", "next_attempt_at", "finished_at"])
    detail = {"why": why[:255]} if why else {}
    outcome = "done" if state == State.SUCCEEDED else "failed"
    record_operation(f"operation.{state.value}", operation, actor, outcome=outcome, **detail)
    operation.resource.marketplace.protocol.tell(
        operation.pk, done=state == State.SUCCEEDED, message=operation.message, credentials=credentials
    )

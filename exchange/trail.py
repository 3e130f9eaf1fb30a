"""The exchange's lines in the trail: one for each, granted or refused. Ids and short digests, never a value."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import Error
from rest_framework.exceptions import APIException

from credservice.audit import record, record_refusal
from credservice.exceptions import ServiceError, Unauthenticated, Unavailable
from credservice.http.errors import as_service_error
from exchange.authentication import Caller
from exchange.queries import ExchangeRow
from exchange.refused_calls import keep_refused
from exchange.serializers import ExchangeIds

ACTION = "exchange.credential"


@dataclass(slots=True)
class Attempt:
    """What is known of a request so far; filled in on its way."""

    caller: Caller
    body: bytes
    ids: ExchangeIds | None = None
    stale: bool = False  # the issuer is down, and the policy allows a credential that is due

    @property
    def actor(self) -> str:
        """Whose line it is. Who has not proven to be a platform gets none of the platform's sample of refusals."""
        if self.caller.platform is None:
            return "anonymous"
        return f"{'platform' if self.caller.proven else 'unproven'}:{self.caller.platform.name}"

    def detail(self) -> dict[str, Any]:
        verdict = self.caller.verdict
        detail: dict[str, Any] = {"body": _short_digest(self.body)}
        if verdict.signature:
            detail |= {"signature": _short_digest(verdict.signature), "secret": str(verdict.secret_id)}
        if self.ids:
            detail |= {
                "integration": self.ids.integration,
                "installation": self.ids.installation,
                "end_user": self.ids.end_user,
            }
        if self.stale:
            detail["stale"] = True
        return detail


def record_granted(attempt: Attempt, row: ExchangeRow) -> None:
    """Committed when this returns: nothing may be handed out before. Raises :class:`Unavailable` if it cannot be."""
    try:
        record(
            action=ACTION,
            actor=attempt.actor,
            outcome="granted",
            object_type="credential",
            object_id=row.credential,
            subject=f"end_user:{row.end_user}",
            detail=attempt.detail(),
        )
    except Error as error:
        raise Unavailable("The exchange cannot be recorded, so nothing is handed out. Try again shortly.") from error


@contextmanager
def refusals_recorded(attempt: Attempt) -> Iterator[None]:
    """Record what the block refuses, with the precise reason, and pass it on."""
    try:
        yield
    except (ServiceError, APIException) as error:
        detail = attempt.detail() | _clock(attempt.caller)
        if attempt.caller.platform is None:
            detail["platform"] = attempt.caller.name
        reason = reason_of(error)
        if record_refusal(action=ACTION, actor=attempt.actor, reason=reason, detail=detail):
            _keep_for_debugger(attempt.caller, reason)
        raise


def _keep_for_debugger(caller: Caller, reason: str) -> None:
    """Where it was the signature that was refused."""
    if caller.platform is not None and caller.request is not None and caller.verdict.reason == reason:
        keep_refused(caller.platform, caller.request, reason)


def reason_of(error: Exception) -> str:
    """The reason as the trail has it: more precise than what the caller is told."""
    if isinstance(error, Unauthenticated):
        return error.reason
    return getattr(error, "reason", "") or as_service_error(error).code


def _clock(caller: Caller) -> dict[str, Any]:
    difference = caller.verdict.clock_difference
    return {} if difference is None else {"clock_difference_seconds": round(difference, 3)}


def _short_digest(content: bytes) -> str:
    """Enough to tell two apart and to count them (64 bits)."""
    return hashlib.sha256(content).hexdigest()[:16]

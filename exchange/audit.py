"""Writes the exchange's lines in the trail: one for each, granted or refused. Ids and short digests, never a value."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import Error
from rest_framework.exceptions import APIException

from credservice.audit import Line, record, record_refusal
from credservice.core.availability import is_away
from credservice.core.exceptions import ServiceError, Unauthenticated, Unavailable
from credservice.http.context import after_answer
from credservice.http.errors import as_service_error
from exchange.authentication import Caller
from exchange.queries import ExchangeRow
from exchange.refused_calls import keep_refused
from exchange.serializers import ExchangeIds

ACTION = "exchange.credential"
CLOCK_REASONS = ("stale_timestamp", "future_timestamp")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Holds what is known of a request, for its line in the trail."""

    caller: Caller
    body: bytes
    ids: ExchangeIds | None = None
    row: ExchangeRow | None = None  # what the ids named at first, of a proven caller
    stale: bool = False  # the issuer is down, and the policy allows a credential that is due

    @property
    def actor(self) -> str:
        """Name whose line it is. Who is no proven platform gets none of the platform's sample of refusals."""
        if self.caller.platform is None:
            return "anonymous"
        return f"{'unproven' if self.caller.refusal else 'platform'}:{self.caller.platform.name}"

    @property
    def subject(self) -> str:
        """Name the end user whom a proven call is about, so that the refusal is in its trail."""
        return self.row.owner if self.row and self.row.end_user else ""

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
        if self.caller.simulated:
            detail["simulated"] = True
        return detail


def record_granted(attempt: Attempt, row: ExchangeRow) -> None:
    """Commit the line of a granted exchange: nothing may be handed out before.

    Raises :class:`Unavailable`, or the database's error where that is away.
    """
    try:
        record(
            Line(
                ACTION,
                attempt.actor,
                outcome="granted",
                object_type="credential",
                object_id=row.credential,
                subject=row.owner,
                detail=attempt.detail(),
            )
        )
    except Error as error:
        if is_away(error):
            raise
        raise Unavailable("The exchange cannot be recorded, so nothing is handed out. Try again shortly.") from error


@contextmanager
def refusals_recorded(attempt: Attempt) -> Iterator[None]:
    """Record what the block refuses, with the precise reason, and pass it on."""
    try:
        yield
    except (ServiceError, APIException) as error:
        write = partial(_write_refusal, attempt, reason_of(error))
        if isinstance(error, Unauthenticated):
            after_answer(write)  # how long the answer takes must not tell which platforms there are
        else:
            write()
        raise


def _write_refusal(attempt: Attempt, reason: str) -> None:
    caller = attempt.caller
    detail = _refused_detail(attempt)
    recorded = record_refusal(Line(ACTION, attempt.actor, reason=reason, subject=attempt.subject, detail=detail))
    if recorded and caller.platform is not None and caller.verdict.reason == reason:
        keep_refused(caller.platform, caller.request, reason)


def reason_of(error: Exception) -> str:
    """Name the reason as the trail has it: more precise than what the caller is told."""
    if isinstance(error, Unauthenticated):
        return error.reason
    return getattr(error, "reason", "") or as_service_error(error).code


def _refused_detail(attempt: Attempt) -> dict[str, Any]:
    detail, difference = attempt.detail(), attempt.caller.verdict.clock_difference
    if difference is not None:
        detail["clock_difference_seconds"] = round(difference, 3)
    if attempt.caller.verdict.reason in CLOCK_REASONS and attempt.caller.platform is not None:
        detail["tolerance_seconds"] = attempt.caller.platform.profile.tolerance_seconds
    if attempt.caller.platform is None or not attempt.caller.name:
        detail["platform"] = attempt.caller.name  # empty: so it claimed to be nobody's, whoever answers there now
    return detail


def _short_digest(content: bytes) -> str:
    """Shorten a digest to 64 bits: enough to tell two apart and to count them."""
    return hashlib.sha256(content).hexdigest()[:16]

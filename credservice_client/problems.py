"""Raises refusals as exceptions. None of them holds a token, or a value that was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "urn:credservice:problem:"
_MEMBERS = {"type", "title", "status", "detail", "action", "errors", "request_id"}
# Asking again may bring another answer; see docs/vendor-api.md, "Refusals".
_PASSING = {"unavailable", "mindcloud_unavailable", "too_many_requests", "idempotency_key_in_use"}
_PASSING_STATUS = {429, 502, 503, 504}


class CredserviceError(Exception):
    """Stands for all that goes wrong in a call. ``is_passing``: the same call may succeed later. ``was_sent``: False
    where its last attempt found no connection."""

    is_passing = False
    was_sent = True
    retry_after: float | None = None


class NoAnswer(CredserviceError):
    """The service could not be reached, or did not answer in time. Whether a write was done is not known: send it
    again under the same ``idempotency_key``."""

    is_passing = True


class UnexpectedAnswer(CredserviceError):
    """Something else than the vendor API answered, such as a proxy; or an answer that cannot be read."""

    def __init__(self, status: int, reason: str, retry_after: float | None = None) -> None:
        super().__init__(status, reason, retry_after)
        self.status, self.reason, self.retry_after = status, reason, retry_after
        self.is_passing = status in _PASSING_STATUS

    def __str__(self) -> str:
        return f"The answer {self.status} {self.reason}."


@dataclass(frozen=True)
class FieldError:
    """Says what is wrong in one place: a JSON pointer into the body, or ``?name`` for a query parameter."""

    pointer: str
    message: str


class Problem(CredserviceError):
    """A problem document (RFC 9457). ``code`` is the last part of ``type``, and keeps its meaning: decide by it.

    ``retry_after`` is in seconds. ``extensions`` has what else a document holds, such as ``problems`` of usage reports.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float | None = None) -> None:
        super().__init__(status, document, retry_after)
        self.status, self.retry_after = status, retry_after
        self.type, self.title, self.detail, self.action, self.request_id = (
            str(document.get(name, "")) for name in ("type", "title", "detail", "action", "request_id")
        )
        errors = document.get("errors") or ()
        self.errors = tuple(FieldError(str(each["pointer"]), str(each["message"])) for each in errors)
        self.extensions = {name: part for name, part in document.items() if name not in _MEMBERS}
        self.is_passing = self.code in _PASSING

    @property
    def code(self) -> str:
        return self.type.removeprefix(PREFIX)

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.detail} (request {self.request_id})"


class InvalidRequest(Problem):
    """400. ``errors`` names every mistake."""


class Unauthenticated(Problem):
    """401: the service token is not good, or not from this network."""


class Forbidden(Problem):
    """403: a missing scope, or something is suspended."""


class NotFound(Problem):
    """404."""


class Conflict(Problem):
    """409: the object's state does not allow it."""


class PreconditionFailed(Problem):
    """412: it has changed since it was read (``if_match``), or is there already (``only_new``)."""


class KeyReused(Problem):
    """422: this idempotency key belongs to another call."""


class TooManyRequests(Problem):
    """429, and it stayed so until the client gave up."""


class Unavailable(Problem):
    """5xx."""


_BY_STATUS: dict[int, type[Problem]] = {
    400: InvalidRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    422: KeyReused,
    429: TooManyRequests,
}


def problem_of(status: int, document: Mapping[str, Any], retry_after: float | None) -> Problem:
    """Make the exception for a refusal. Raises KeyError or TypeError where it is no problem document."""
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 else Problem)
    return kind(status, document, retry_after)

"""Lists the problem documents (RFC 9457) of the vendor API: each ``type``, and what a caller does about it.

docs/vendor-api.md shows this table, and a test keeps the two alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from credservice.core.exceptions import Conflict, Invalid, ServiceError, escaped

TYPE = "urn:credservice:problem:"
MEDIA_TYPE = "application/problem+json"

# Code -> HTTP status, and what to do. A code never changes its meaning; new ones may come.
KNOWN: dict[str, tuple[int, str]] = {
    "invalid_request": (400, "Correct what `errors` or `detail` names, and send it again."),
    "not_metered": (400, "Report a feature that the resource's plan meters; `detail` names them."),
    "unauthenticated": (
        401,
        "Send `Authorization: Bearer cst_...` with a token that is valid, from a network that it may be used from. "
        "The trail says which of these it is: `vendor_api.call`, refused.",
    ),
    "missing_scope": (403, "Use a token that has the scope which `detail` names."),
    "suspended": (403, "Resume the platform or the end user first."),
    "not_found": (404, "Check the path and the ids in it."),
    "unknown_resource": (404, "Check the resource's id: no marketplace has it."),
    "resource_gone": (404, "Stop: the resource was deprovisioned."),
    "unknown_report": (404, "Send the report that is to be corrected first."),
    "method_not_allowed": (405, "Use one of the methods in the `Allow` header."),
    "not_acceptable": (406, "Accept application/json."),
    "conflict": (409, "Read `detail`, and the object again: as it is now, it does not allow this."),
    "answers_would_change": (
        409,
        "Read in `detail` what this changes, and with the scope `installations:read` for whom; to do it all the same, "
        "send it with `?accept_changed_answers=true`.",
    ),
    "ambiguous": (409, "Say which is meant: by `platform`, or by our id."),
    "ambiguous_resource": (409, "Two marketplaces have a resource of this id that is there: use ours."),
    "key_used": (409, "Another report of the resource has this key: choose a new one."),
    "corrected_already": (409, "Correct the correction instead."),
    "idempotency_key_in_use": (409, "A call with this key is being answered: try again after `Retry-After`."),
    "mindcloud_not_set_up": (409, "Give the platform MindCloud's API URL and key, in the console or by `apply`."),
    "creation_unsettled": (409, "Have somebody look at MindCloud, and settle it; or register the end user's id there."),
    "precondition_failed": (
        412,
        "It has changed since you read it: read it again, decide again.",
    ),
    "too_large": (413, "Send less at once."),
    "unsupported_media_type": (415, "Send the media type that `detail` asks for."),
    "idempotency_key_reused": (422, "This key belongs to another call: use a new key for each."),
    "too_many_requests": (429, "Wait for as long as `Retry-After` says."),
    "internal_error": (500, "Try again later, and tell us the `request_id`."),
    "mindcloud_refused": (502, "Read what MindCloud says in `detail`: its API key, or what was sent, may be wrong."),
    "mindcloud_not_understood": (
        502,
        "Check the platform's API URL: what answers there is not as MindCloud.",
    ),
    "mindcloud_unavailable": (503, "Try again after `Retry-After`."),
    "unavailable": (503, "Try again after `Retry-After`: the same call may succeed then."),
}


@dataclass(frozen=True)
class FieldError:
    """A mistake in one place: a JSON pointer (RFC 6901) into the body, or ``?name`` for a query parameter."""

    pointer: str
    message: str


class InvalidFields(Invalid):
    """Bad input, each mistake with its place."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        first = errors[0]
        place = first.pointer.lstrip("/?").replace("/", ".")
        super().__init__(f"{place}: {first.message}" if place else first.message, pointer=first.pointer)
        self.errors = tuple(errors)

    def __reduce__(self) -> tuple[type["InvalidFields"], tuple[Sequence[FieldError]]]:
        return type(self), (self.errors,)  # an import hands it from one process to another


class PreconditionFailed(ServiceError):
    status, code = 412, "precondition_failed"
    action = ""


class AlreadyThere(PreconditionFailed):
    action = "It is there already: read it, or send this without `If-None-Match`."


class KeyReused(ServiceError):
    status, code = 422, "idempotency_key_reused"


class KeyInUse(Conflict):
    code = "idempotency_key_in_use"


def refused(pointer: str, message: str) -> InvalidFields:
    """Make the refusal of one mistake."""
    return InvalidFields([FieldError(pointer, message)])


def field_errors(detail: Any, pointer: str = "") -> list[FieldError]:
    """Flatten DRF's nested error detail to a list of places."""
    if isinstance(detail, dict):
        return [
            error
            for name, part in detail.items()
            for error in field_errors(part, pointer if name == "non_field_errors" else f"{pointer}/{escaped(name)}")
        ]
    if isinstance(detail, list):
        return [
            error
            for index, part in enumerate(detail)
            for error in field_errors(part, f"{pointer}/{index}" if isinstance(part, dict) else pointer)
            if part
        ]
    return [FieldError(pointer, str(detail))]


def problem(error: ServiceError, request_id: str) -> dict[str, Any]:
    """Write the document about a refusal."""
    body: dict[str, Any] = {
        "type": f"{TYPE}{error.code}",
        "title": error.code.replace("_", " ").capitalize().replace("Mindcloud", "MindCloud"),
        "status": error.status,
        "detail": error.message,
    }
    if error.code in KNOWN:
        own = error.action if isinstance(error, PreconditionFailed) else ""
        body["action"] = own or KNOWN[error.code][1]
    errors = errors_of(error)
    if errors:
        body["errors"] = [{"pointer": each.pointer, "message": each.message} for each in errors]
    return body | {"request_id": request_id}


def errors_of(error: ServiceError) -> tuple[FieldError, ...]:
    """List the mistakes that a refusal knows the places of."""
    if isinstance(error, InvalidFields):
        return error.errors
    if isinstance(error, Invalid) and error.pointer:
        return (FieldError(error.pointer, error.message),)
    return ()

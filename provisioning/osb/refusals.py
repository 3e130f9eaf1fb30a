"""Maps what the services refuse to the statuses and error codes of the specification."""

from rest_framework import status

from credservice.core.exceptions import ServiceError
from provisioning import refusals

ASYNC_REQUIRED, MAINTENANCE = "async_required", "maintenance_info_conflict"

# "Service Broker Errors": the first three are the specification's own; any other may be ours.
_TABLE = {
    refusals.UNDER_WAY: (422, "ConcurrencyError"),
    ASYNC_REQUIRED: (422, "AsyncRequired"),
    MAINTENANCE: (422, "MaintenanceInfoConflict"),
    refusals.NOT_CHANGEABLE: (422, "PlanChangeNotSupported"),
    refusals.SUSPENDED: (422, "InstanceSuspended"),
    refusals.ONE_ONLY: (422, "BindingLimitReached"),
    refusals.OTHER_ATTRIBUTES: (409, "Conflict"),
    refusals.REMOVED: (409, "IdentifierUsedBefore"),
    "unsupported_media_type": (400, "UnsupportedMediaType"),  # "MAY be rejected with 400"
}


def translated(error: ServiceError, method: str) -> ServiceError:
    """Give a refusal the status that the platform expects of it, and its error code."""
    if error.status >= 500:
        return error
    known, name = _TABLE.get(error.code, (error.status, ""))
    if error.status == status.HTTP_404_NOT_FOUND and method == "DELETE":
        known, name = 410, "Gone"
    if known == error.status and not name:
        return error
    refusal = ServiceError(error.message, code=name, retry_after=error.retry_after)
    refusal.status = known
    return refusal


def error_code(error: ServiceError) -> str:
    """Write a code as one word in camel case, as the specification asks."""
    return "".join(word[:1].upper() + word[1:] for word in error.code.split("_"))

"""Declares what services raise when they refuse. Each door answers it in its own form: credservice.http.errors."""


def escaped(name: object) -> str:
    """Write a name as part of a JSON pointer (RFC 6901, section 3)."""
    return str(name).replace("~", "~0").replace("/", "~1")


class ServiceError(Exception):
    """A refusal that a caller may read: a stable code, a sentence that says what to do, an HTTP status."""

    status = 500
    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.retry_after = retry_after  # seconds


class Invalid(ServiceError):
    """``pointer`` names what is wrong of what was sent, as a JSON pointer (RFC 6901): ``/values``."""

    status, code = 400, "invalid_request"

    def __init__(self, message: str, *, code: str | None = None, pointer: str = "") -> None:
        super().__init__(message, code=code)
        self.pointer = pointer


class Unauthenticated(ServiceError):
    """Any authentication failure. ``reason``, and whose the call ``claimed`` to be, go to the trail and the log, never
    to the caller."""

    status, code = 401, "unauthenticated"

    def __init__(self, reason: str, *, claimed: str = "") -> None:
        super().__init__("The request could not be authenticated.")
        self.reason, self.claimed = reason, claimed


class Forbidden(ServiceError):
    status, code = 403, "forbidden"


class NotFound(ServiceError):
    status, code = 404, "not_found"


class Conflict(ServiceError):
    status, code = 409, "conflict"


class Unsupported(ServiceError):
    """Refuses a media type, or a coding, that is not read here."""

    status, code = 415, "unsupported_media_type"


class TooMany(ServiceError):
    status, code = 429, "too_many_requests"


class Unavailable(ServiceError):
    """The issuer or the database cannot be reached now; the same request may succeed later."""

    status, code = 503, "unavailable"

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message, retry_after=retry_after)

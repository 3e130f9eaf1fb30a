"""Answers every error of an API view in the form of its door. JSON always, never a stack."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from credservice.core.availability import causes, is_away
from credservice.core.exceptions import Forbidden, Invalid, NotFound, ServiceError, Unavailable
from credservice.core.startup import what_it_lacks
from credservice.crypto import SealError
from credservice.crypto.kek import KeyServiceError

log = structlog.get_logger(__name__)


class TooLarge(ServiceError):
    status, code = 413, "too_large"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Answer an error, as DRF's ``EXCEPTION_HANDLER``. The view's ``error_body(error)`` makes the body."""
    refusal = as_service_error(error)
    if refusal.status >= 500:
        _tell(error, refusal)
    response = Response(context["view"].error_body(refusal), status=refusal.status)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own line would only say it again
    if refusal.retry_after is not None:
        response["Retry-After"] = str(refusal.retry_after)
    return response


def _tell(error: Exception, refusal: ServiceError) -> None:
    """Log the class and where it was raised; its text only where that can hold no secret, see credservice.core.logs."""
    lack = what_it_lacks(error)
    if refusal is error and refusal.status > 500 and not lack:
        # A refusal that a service decided upon, such as another's outage: the caller asks again, nobody is to be woken.
        log.info("request_refused", error=type(error).__name__, code=refusal.code, status=refusal.status)
    else:
        facts = {"lacks": lack} if lack else {}
        if isinstance(error, SealError):  # which names a place and a key
            facts["why"] = str(error)
        log.error("request_failed", error=type(error).__name__, **facts, exc_info=refusal.status == 500)


def as_service_error(error: Exception) -> ServiceError:
    """Return ``error`` as something a caller may read. What we do not know becomes a 500 without a detail."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, RequestDataTooBig):
        return TooLarge("The body is larger than 64 KiB.")
    if isinstance(error, drf.APIException):
        return _from_drf(error)
    if isinstance(error, Http404):
        return NotFound("There is nothing at this path.")
    if isinstance(error, PermissionDenied):
        return Forbidden("Not allowed.")
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return Invalid("The request is malformed.")
    away = is_away(error)  # the driver's own errors as well, where nothing made them Django's
    if away or any(isinstance(found, OperationalError | InterfaceError) for found in causes(error)):  # also the queue's
        sentence = "The service cannot reach its database." if away else "The database cannot do this now."
        return Unavailable(f"{sentence} Try again shortly.")
    if what_it_lacks(error):
        return Unavailable("The service is not set up completely. Try again later.", retry_after=30)
    if isinstance(error, KeyServiceError | SealError):
        return Unavailable("The service cannot open its secrets right now. Try again shortly.", retry_after=30)
    return ServiceError("Something went wrong on our side. The request id finds it in our log.")


def _from_drf(error: drf.APIException) -> ServiceError:
    refusal = ServiceError(first_message(error.detail), code=str(error.default_code))
    refusal.status = error.status_code
    if isinstance(error, drf.ValidationError | drf.ParseError):
        refusal.code = Invalid.code
    return refusal


def first_message(detail: Any, path: str = "") -> str:
    """Return the first sentence in a DRF error detail, with the path of the field that it is about."""
    if isinstance(detail, dict):
        key, value = next(iter(detail.items()))
        joined = path if key == "non_field_errors" else f"{path}.{key}" if path else str(key)
        return first_message(value, joined)
    if isinstance(detail, list):
        return first_message(detail[0], path)
    return f"{path}: {detail}" if path else str(detail)

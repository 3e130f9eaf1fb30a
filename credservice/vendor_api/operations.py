"""Declares what one method of a route needs, takes and gives: the view checks by it, the schema shows it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Protocol

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from credservice.vendor_api.fields import StrictSerializer
from credservice.vendor_api.idempotency import Answer
from credservice.vendor_api.models import Scope
from credservice.vendor_api.problems import FieldError, InvalidFields, field_errors

Handler = Callable[..., Answer]
_NOTHING = re.compile(rb"\s*(\{\s*\})?\s*")
Body = type[Serializer[Any]]


@dataclass(frozen=True)
class Operation:
    """``gives``: the answer's form by status. ``problems``: codes beside those that every route of its kind has.

    ``writes``: it changes something, in one transaction, and takes an ``Idempotency-Key``. ``tagged``: it answers an
    object with its ``ETag``, and takes conditions on it. ``parses`` is false where the view checks the body itself.
    """

    name: str
    summary: str
    scope: Scope
    gives: Mapping[int, Body | None]
    takes: Body | None = None
    query: Body | None = None
    problems: tuple[str, ...] = ()
    writes: bool = True
    tagged: bool = False
    parses: bool = True
    examples: Mapping[str, Any] = field(default_factory=dict)  # of the request's body, by title


class Runner(Protocol):
    """A view, which checks what was sent before it lets a handler answer."""

    def run(self, operation: Operation, handler: Callable[[], Answer]) -> Response: ...


def reads(name: str, summary: str, **facts: Any) -> Callable[[Handler], Handler]:
    """Mark a view's method: it changes nothing."""
    return _marking(Operation(name, summary, writes=False, **facts))


def writes(name: str, summary: str, **facts: Any) -> Callable[[Handler], Handler]:
    """Mark a view's method: it changes something."""
    return _marking(Operation(name, summary, writes=True, **facts))


def operation_of(view: Any, method: str) -> Operation | None:
    found: Operation | None = getattr(getattr(view, method.lower(), None), "operation", None)
    return found


def trusted_of(operation: Operation) -> frozenset[str]:
    """List the body's fields that need ``trust:write`` beside the operation's own scope."""
    return operation.takes.trusted if operation.takes and issubclass(operation.takes, StrictSerializer) else frozenset()


def checked_query(operation: Operation, request: Request) -> Mapping[str, Any]:
    """Check the query's parameters, each sent once. Raises :class:`InvalidFields`."""
    given = request.query_params
    repeated = [name for name in given if len(given.getlist(name)) > 1]
    if repeated:
        raise InvalidFields([FieldError(f"?{name}", "Send this once.") for name in repeated])
    if any("\x00" in text for pair in given.items() for text in pair):
        raise InvalidFields([FieldError("?", "A parameter holds a NUL character.")])
    if operation.query is None:
        if given:
            raise InvalidFields([FieldError(f"?{name}", "There is no such parameter here.") for name in given])
        return {}
    return _checked(operation.query, given.dict(), "?")


def checked_body(operation: Operation, request: Request) -> Mapping[str, Any]:
    """Check the body's fields. Raises :class:`InvalidFields`."""
    if not operation.parses:
        return {}
    if operation.takes is None:
        # Some clients send an empty object wherever they post.
        if not _NOTHING.fullmatch(request._request.body):
            raise InvalidFields([FieldError("", "This takes no body.")])
        return {}
    return _checked(operation.takes, request.data, "")


def _checked(form: Body, data: Any, place: str) -> Mapping[str, Any]:
    serializer = form(data=data, context={"kind": "parameter" if place else "field"})
    if serializer.is_valid():
        checked: Mapping[str, Any] = serializer.validated_data
        return checked
    errors = field_errors(serializer.errors)
    if place:
        errors = [FieldError(f"{place}{each.pointer.lstrip('/')}", each.message) for each in errors]
    raise InvalidFields(errors)


def _marking(operation: Operation) -> Callable[[Handler], Handler]:
    def mark(handler: Handler) -> Handler:
        @wraps(handler)
        def run(view: Runner, request: Request, **path: str) -> Response:
            return view.run(operation, lambda: handler(view, request, **path))

        run.operation = operation  # type: ignore[attr-defined]
        return run

    return mark

"""Routes that fail in every way, for the tests of how failures are answered."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.urls import path
from rest_framework import exceptions as drf
from rest_framework.response import Response

from credservice.core import exceptions as refusals
from credservice.http.views import DoorView, UnknownPath

SECRET = "hunter2-in-an-exception"
FAILURES = {
    "bug": ZeroDivisionError(SECRET),
    "row": IntegrityError(f"Failing row contains ({SECRET})"),
    "data": DataError(SECRET),
    "database": OperationalError(f"connection to {SECRET} refused"),
    "connection": InterfaceError(SECRET),
    "nothing": Http404(SECRET),
    "permission": PermissionDenied(SECRET),
    "suspicious": SuspiciousOperation(SECRET),
    "unreadable": UnreadablePostError(SECRET),
    "parse": drf.ParseError("The body is not valid JSON."),
    "throttled": drf.Throttled(),
    "fields": drf.ValidationError({"a": {"b": ["Too long."]}}),
    "invalid": refusals.Invalid("Write it so."),
    "unauthenticated": refusals.Unauthenticated(SECRET),
    "forbidden": refusals.Forbidden("Suspended."),
    "conflict": refusals.Conflict("It exists."),
    "too_many": refusals.TooMany("Slower.", retry_after=9),
    "unavailable": refusals.Unavailable("Later.", retry_after=7),
}


class Failing(DoorView):
    def post(self, request, name):
        raise FAILURES[name]

    def put(self, request, name):
        return Response({"got": request.data, "size": len(request.body)})


def plain(request):
    """No view of a door: what Django itself does with an exception."""
    raise ZeroDivisionError(SECRET)


def greeting(request):
    return HttpResponse("hello")


urlpatterns = [
    path("v1/plain", plain),
    path("plain", plain),
    path("greeting", greeting),
    path("fail/<name>", Failing.as_view()),
    path("door/<path:rest>", UnknownPath.as_view()),
]

handler400 = "credservice.health.bad_request"
handler404 = "credservice.health.not_found"
handler500 = "credservice.health.server_error"

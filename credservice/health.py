"""Answers machines whether the process is up and can serve; and, at last resort, errors outside of any view."""

import sys
from collections.abc import Callable
from functools import wraps

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from credservice import __version__, readiness
from credservice.console.middleware import PREFIX, plain_page
from credservice.console.search import TOO_LONG
from credservice.core.exceptions import ServiceError
from credservice.http.errors import as_service_error
from credservice.serving import stopping

log = structlog.get_logger(__name__)
_WORDS = {"": "ok", readiness.UNKNOWN: readiness.UNKNOWN}
View = Callable[[HttpRequest], JsonResponse]


def for_machines(view: View) -> View:
    """Let GET and HEAD in alone; another method is a 405 in JSON, not the console's page about a missing token."""

    @wraps(view)
    def guarded(request: HttpRequest) -> JsonResponse:
        if request.method in ("GET", "HEAD"):
            return view(request)
        response = _json_error(request, 405, "method_not_allowed", "Only GET is answered here.")
        response["Allow"] = "GET, HEAD"
        return response

    return csrf_exempt(guarded)


@for_machines
def healthz(_: HttpRequest) -> JsonResponse:
    """Answer 200 while the process answers, and with which release."""
    return JsonResponse({"status": "ok", "version": __version__}, headers={"Cache-Control": "no-store"})


@for_machines
def readyz(_: HttpRequest) -> JsonResponse:
    """Answer 200 where everything is as it must be; 503 with the name of what is not, and what to do in the log.

    Also 503 once the service stops: proxies take their requests elsewhere, while what has come is answered.
    """
    if stopping.is_under_way():
        return JsonResponse({"status": "stopping"}, status=503, headers={"Cache-Control": "no-store"})
    faults = readiness.faults()
    for name, sentence in faults.items():
        if sentence and sentence != readiness.UNKNOWN:
            log.warning("not_ready", check=name, why=sentence)
    ready = not any(faults.values())
    words = {name: _WORDS.get(why, "failed") for name, why in faults.items()}
    body = {"status": "ok" if ready else "not ready"} | words
    return JsonResponse(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


@csrf_exempt
def front(request: HttpRequest) -> HttpResponse:
    """Redirect the bare address, which one clicks on first, to the console."""
    if request.method in ("GET", "HEAD"):
        return HttpResponseRedirect(reverse("admin:index"))
    return not_found(request)


# Of each door, where its partner reads an error in a form of its own.
_BODIES: dict[str, Callable[[str, str], dict[str, str]]] = {
    "v1": lambda code, message: {"message": message},
    "osb": lambda code, message: {"error": code.title().replace("_", ""), "description": message},
}


def _our_body(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        refusal = as_service_error(exception)
        told = TOO_LONG if request.path == reverse("admin:search") else ""
        return _for_a_person(request, 413, told) or _json_error(request, 413, refusal.code, refusal.message)
    sentence = "The request is malformed, or its host name is not ours."
    return _for_a_person(request, 400) or _json_error(request, 400, "invalid_request", sentence)


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return _json_error(request, 404, "not_found", "There is nothing at this path.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error that no view has: 503 where the database is the cause, which passes, otherwise 500."""
    refusal = as_service_error(error) if isinstance(error := sys.exception(), Error) else None
    if refusal is not None and refusal.status == 503:
        return _unavailable(request, refusal)
    sentence = "Something went wrong on our side. The request id finds it in our log."
    return _for_a_person(request, 500) or _json_error(request, 500, "internal_error", sentence)


def _unavailable(request: HttpRequest, refusal: ServiceError) -> HttpResponse:
    log.error("request_failed", error=type(sys.exception()).__name__)
    response = _for_a_person(request, 503) or _json_error(request, 503, refusal.code, refusal.message)
    response["Retry-After"] = str(refusal.retry_after)
    response._has_been_logged = True  # type: ignore[attr-defined] # Django's own line would have a traceback
    return response


def _for_a_person(request: HttpRequest, status: int, sentence: str = "") -> HttpResponse | None:
    """The console's page, which needs neither a session nor the database; None for machines."""
    return plain_page(status, sentence) if request.path.startswith(PREFIX) else None


def _json_error(request: HttpRequest, status: int, code: str, message: str) -> JsonResponse:
    body = _BODIES.get(request.path[1:].partition("/")[0], _our_body)(code, message)
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})

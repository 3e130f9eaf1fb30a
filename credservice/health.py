"""Answers for machines: is the process up, can it serve; and the last resort for errors outside of any view."""

from collections.abc import Callable
from functools import wraps

import structlog
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from credservice.checks import check_keys_of_database

log = structlog.get_logger(__name__)
View = Callable[[HttpRequest], JsonResponse]


def for_machines(view: View) -> View:
    """GET and HEAD alone; another method is a 405 in JSON, not the console's page about a missing token."""

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
    """200 while the process answers."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@for_machines
def readyz(_: HttpRequest) -> JsonResponse:
    """200 where database, keys and migrations are as they must be; 503 with the name of what is not."""
    checks = {"database": _database, "keyring": _keyring, "migrations": _migrations}
    results = {name: _holds(check) for name, check in checks.items()}
    ready = all(results.values())
    body = {"status": "ok" if ready else "not ready"} | {name: "ok" if ok else "failed" for name, ok in results.items()}
    return JsonResponse(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


@csrf_exempt
def front(request: HttpRequest) -> HttpResponse:
    """The bare address, which one clicks on first: to the console."""
    if request.method in ("GET", "HEAD"):
        return HttpResponseRedirect(reverse("admin:index"))
    return not_found(request)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    sentence = "The request is malformed, or its host name is not ours."
    return _for_a_person(request, 400) or _json_error(request, 400, "invalid_request", sentence)


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return _json_error(request, 404, "not_found", "There is nothing at this path.")


def server_error(request: HttpRequest) -> HttpResponse:
    sentence = "Something went wrong on our side. The request id finds it in our log."
    return _for_a_person(request, 500) or _json_error(request, 500, "internal_error", sentence)


def _for_a_person(request: HttpRequest, status: int) -> HttpResponse | None:
    """The console's page, which needs neither a session nor the database; None for machines."""
    from credservice.console.middleware import PREFIX, plain_page

    return plain_page(status) if request.path.startswith(PREFIX) else None


def _json_error(request: HttpRequest, status: int, code: str, message: str) -> JsonResponse:
    body = {"message": message} if f"{request.path}/".startswith("/v1/") else {"code": code, "message": message}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


def _holds(check: object) -> bool:
    try:
        return bool(check())  # type: ignore[operator]
    except Error as error:
        log.warning("not_ready", error=type(error).__name__)
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _keyring() -> bool:
    return not check_keys_of_database(databases=["default"])


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())

"""Sets the headers of every answer of the console, and shows its own pages for errors."""

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse

from credservice.console.access_log import record_denial
from credservice.http.context import current_context

log = structlog.get_logger(__name__)

PREFIX = "/admin/"

# Everything comes from us, nothing frames us or takes our forms elsewhere, and no text becomes code: Unfold's Alpine is
# replaced by a build that needs no unsafe-eval (static/unfold/js/alpine). Its styles are partly written in the pages.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)

TITLES = {
    400: "Not understood",
    403: "Not allowed",
    404: "Not found",
    405: "Not by an address",
    413: "Too large",
    429: "Too many",
    500: "Not done",
    503: "Not done",
}
SENTENCES = {
    400: "This request was not understood. Go back, and try it from the page's own links.",
    403: "Your account may not do this. An administrator can give it the permission.",
    404: "There is nothing here. It may never have existed, or the address has a mistake.",
    405: "Nothing opens here: this is done by a button on one of the console's pages.",
    413: "That is more than a form here may hold. Send less of it at a time.",
    429: "Too many sign-ins were tried from your address. Wait for a minute, and try again.",
    503: "The database cannot be reached right now. Try it again in a moment.",
    500: "Something went wrong on our side. Try it again; if it stays, the number below finds it in the service's log.",
}

NOBODY = "This is not done here, or not by you: no permission is missing that somebody could give you."
NO_ORIGIN = (
    "Your browser did not say which page this form came from, as it may when a page is reloaded. Nothing was done: "
    "open the page again by a link, and send the form from there. If it stays so, a proxy in front sets "
    "Referrer-Policy to no-referrer: the console's own, same-origin, has to reach the browser."
)


class ConsoleMiddleware:
    """Adds headers to ``/admin/``, and pages a person can read for its refusals."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/admin":
            return HttpResponseRedirect(reverse("admin:index"))
        if request.path.startswith(PREFIX) and _is_too_long(request):
            return error_page(request, 413)
        response = self.get_response(request)
        if response.status_code == 405 and request.method == "GET" and request.path.startswith(PREFIX):
            response = _of_a_form(request, response)  # Django's has nothing to read in it
        if request.path.startswith(PREFIX):
            response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Refuse a NUL in a parameter: PostgreSQL holds none in a text, and would answer with an error."""
        if request.path.startswith(PREFIX) and any("\x00" in text for text in (request.path, *_values(request))):
            return error_page(request, 400)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not request.path.startswith(PREFIX):
            return None
        if isinstance(error, PermissionDenied):
            record_denial(request)
        for kind, status in ((Http404, 404), (PermissionDenied, 403), (SuspiciousOperation, 400)):
            if isinstance(error, kind):
                everything = status == 403 and request.user.is_superuser
                return error_page(request, status, NOBODY if everything else "")
        return None


def error_page(request: HttpRequest, status: int, sentence: str = "") -> HttpResponse:
    try:
        return _styled(request, status, _context(status, sentence))
    except ValueError as error:  # a static file that was not collected: the page must not become an error itself
        log.error("console_page_without_its_files", error=str(error))  # noqa: TRY400
        return plain_page(status, sentence)


def plain_page(status: int, sentence: str = "") -> HttpResponse:
    """Make an error's page that needs no session, no database and no static file."""
    page = render_to_string("console/plain_error.html", _context(status, sentence))
    return HttpResponse(page, status=status, headers={"Cache-Control": "no-store"})


def _context(status: int, sentence: str) -> dict[str, Any]:
    return {
        "title": TITLES[status],
        "status": status,
        "sentence": sentence or SENTENCES[status],
        "request_id": current_context().request_id,
    }


def _styled(request: HttpRequest, status: int, context: dict[str, Any]) -> HttpResponse:
    context = admin.site.each_context(request) | context
    if not request.user.is_authenticated:  # Unfold's sidebar shows the letters that a user's name begins with
        context["is_nav_sidebar_enabled"] = False
    return TemplateResponse(request, "console/error.html", context, status=status).render()


def _of_a_form(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Make the page of an address that only takes forms, such as the one that signs out."""
    page = error_page(request, 405)
    page["Allow"] = response["Allow"]
    return page


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form: ``CSRF_FAILURE_VIEW``.

    Mostly of a page that was open while its user signed in elsewhere. One that was refused for its origin, by the
    reasons of Django's own check, comes through a proxy that hides the console's address from us.
    """
    if reason.startswith(("Origin checking failed", "Referer checking failed")):
        return error_page(request, 403, _of_another_origin(request))
    return error_page(request, 403, "This page was open since before your last sign-in. Go back, reload it, try again.")


def _of_another_origin(request: HttpRequest) -> str:
    """Say which settings make a form's origin ours, to whoever runs the service: on the page and in the log."""
    sent = request.headers.get("Origin") or request.headers.get("Referer") or "an address that the browser did not name"
    origin, ours = "/".join(sent[:300].split("/")[:3]), f"{request.scheme}://{request.headers.get('Host', '')}"
    log.warning("form_of_another_origin", origin=origin, ours=ours, settings="TRUSTED_PROXIES, CSRF_TRUSTED_ORIGINS")
    if sent == "null":
        return NO_ORIGIN
    return (
        f"This form was refused for its origin: it came from {origin}, and the service takes its own address for {ours}"
        ". If it is the console's own form, the proxy in front has to be named in TRUSTED_PROXIES, and to pass Host"
        " with its port and X-Forwarded-Proto; if it changes the host, CSRF_TRUSTED_ORIGINS names the console's origin."
    )


def _is_too_long(request: HttpRequest) -> bool:
    """Refuse large files, which Django does not bound: anybody's would be read before any check of a token."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    is_form = request.content_type == "multipart/form-data"
    return is_form and (not length.isdecimal() or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _values(request: HttpRequest) -> list[str]:
    return [value for values in request.GET.lists() for value in values[1]]

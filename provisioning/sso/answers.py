"""Makes every answer of single sign-on: its headers, and the one page for every failure."""

from typing import Any

import structlog
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string

from credservice.http.context import current_context

log = structlog.get_logger(__name__)

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",  # for revealing without leaving the page
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the addresses hold codes, tokens and ids
    "X-Robots-Tag": "noindex",
}
STYLES, SCRIPT, ICON = "provisioning/resource.css", "provisioning/resource.js", "console/favicon.svg"


def page(template: str, status: int = 200, **context: Any) -> HttpResponse:
    """Make a page of ours. Without the request's context processors: they would touch the console's session."""
    static = {"styles": _static(STYLES), "script": _static(SCRIPT), "icon": _static(ICON)}
    request_id = current_context().request_id
    body = render_to_string(f"provisioning/{template}.html", static | {"request_id": request_id} | context)
    return HttpResponse(body, status=status, headers=HEADERS)


def refused() -> HttpResponse:
    """Make the same page for every failure, so that it tells nothing about which it was. Sets no cookie."""
    return page("refused", status=401)


def see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url, headers=HEADERS)
    response.status_code = 303
    return response


def json(content: dict[str, Any], status: int = 200) -> HttpResponseBase:
    return JsonResponse(content, status=status, headers=HEADERS)


def _static(name: str) -> str:
    try:
        return staticfiles_storage.url(name)
    except ValueError as error:  # a file that was not collected: the page must not become an error itself
        log.error("page_without_its_files", error=str(error))  # noqa: TRY400
        return ""

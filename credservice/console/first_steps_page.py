"""Shows somebody new what can be connected, how far it has come, and the page that leads through it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from credservice.adminkit.wizard import FirstSteps, WithFirstSteps

BEGUN = 3  # of each kind, the newest


@dataclass(frozen=True)
class Opening:
    """One kind of partner; ``begun`` are those on their way, with the step that is next."""

    title: str
    icon: str
    intro: str
    start: str
    begun: list[dict[str, str]]
    is_called: bool


def openings(request: HttpRequest) -> list[Opening]:
    """List the kinds of partner whose first steps this user may take."""
    return [_opening(request, page, site_admin) for site_admin, page in _pages(request)]


def is_new(request: HttpRequest) -> bool:
    """Tell whether this user can connect partners, and none has called yet."""
    pages = [page for _, page in _pages(request)]
    return bool(pages) and not any(page.is_called() for page in pages)


def may_begin(request: HttpRequest) -> bool:
    return any(True for _ in _pages(request))


def first_steps(request: HttpRequest) -> HttpResponse:
    """Show the page of its own, for whoever comes back to it."""
    if not may_begin(request):
        raise PermissionDenied
    request.current_app = admin.site.name
    context = admin.site.each_context(request) | {"title": "First steps", "openings": openings(request)}
    return TemplateResponse(request, "console/beginning.html", context)


def _pages(request: HttpRequest) -> Iterator[tuple[Any, FirstSteps]]:
    found: list[Any] = [found for found in admin.site._registry.values() if isinstance(found, WithFirstSteps)]
    for site_admin in sorted(found, key=lambda site_admin: site_admin.menu.rank):
        for page in (kind(site_admin) for kind in site_admin.first_steps):
            if page.allowed(request) and site_admin.has_add_permission(request):
                yield site_admin, page


def _opening(request: HttpRequest, page: FirstSteps, site_admin: Any) -> Opening:
    begun = [{"name": str(obj), "link": page.url(obj), "next": step.title} for obj, step in page.begun(request, BEGUN)]
    return Opening(page.headline, site_admin.menu.icon, page.intro, page.start_url(), begun, page.is_called())

"""Links an object's page to its other pages, to what belongs to it, and to its lines in the audit log."""

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html

from credservice.adminkit.cards import cards_of
from credservice.adminkit.links import list_url
from credservice.adminkit.menu import Need
from credservice.adminkit.object_header import ObjectHeader
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.suspensions import REFUSED, SUSPENDED, when_and_why
from credservice.audit.models import AuditEvent
from credservice.audit.names import object_type_of


class ObjectLinks(ObjectHeader):
    """``object_pages`` are the pages about one object; ``has_trail`` whether its lines in the audit log are linked."""

    object_pages: ClassVar[tuple[type[ObjectPage], ...]] = ()
    has_trail: ClassVar[bool] = True

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = [
            path(
                f"<path:object_id>/{page.slug}/",
                self.admin_site.admin_view(page.view_for(self)),
                name=f"{name}_{page.slug}",
            )
            for page in self.object_pages
        ]
        return [*pages, *super().get_urls()]

    def page_links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """List the buttons of the object's page: title, icon, variant and path of each that this user may open."""
        found = (page(self).link(request, obj) for page in self.object_pages)
        return [link for link in found if link is not None]

    def next_steps(self, request: HttpRequest, obj: Any) -> list[Need]:
        """List what an operator would do next about this object, each with the page that does it; shown on top."""
        return []

    def suspension(self, request: HttpRequest, obj: Any) -> str:
        """Say beside its state when it was suspended or refused, by whom and why; empty where it is not, or unknown."""
        state = SUSPENDED if getattr(obj, "is_active", None) is False else getattr(obj, "state", "")
        is_told = state in (SUSPENDED, REFUSED) and any(
            getattr(page, "verb", "") == state for page in self.object_pages
        )
        told = when_and_why(request, f"{object_type_of(obj._meta.model)}:{obj.pk}", state) if is_told else ""
        return format_html("{} {}", "Suspended since" if state == SUSPENDED else "Refused", told) if told else ""

    def links_of(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Collect what the template of the object's page shows beside the form."""
        cards = cards_of(request, obj)
        # Beside the other buttons, where no card of the page leads there.
        shown = any(card.rows.model is AuditEvent for card in cards)
        may = request.user.has_perm("audit.view_auditevent") and not shown
        links = self.page_links(request, obj)
        return {
            "subtitle": self.object_title(obj),
            "page_links": links,
            "header": self.header_of(request, obj, links),
            "cards": cards,
            "next_steps": self.next_steps(request, obj),
            "suspension": self.suspension(request, obj),
            "trail_url": self._trail_url(obj) if may else "",
        }

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead from Django's address of the history to the audit log, which has it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        obj = self.get_object(request, object_id)
        return HttpResponseRedirect((obj and self._trail_url(obj)) or list_url(self.model))

    def _trail_url(self, obj: Any) -> str:
        if not self.has_trail:
            return ""
        # By the type as well: the second account and the second role have the same id.
        return list_url(AuditEvent, object_type=object_type_of(obj._meta.model), object_id=obj.pk)

"""Shows what a new row's form made in its answer alone, and has a reload of that answer make no second one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from credservice.adminkit.form_ids import SENT_BEFORE, new_form_id, use_up, was_sent
from credservice.adminkit.links import list_url
from credservice.adminkit.model_admin import ConsoleAdmin
from credservice.adminkit.object_actions import Shown


class ShownOnceAdmin(ConsoleAdmin):
    """A list whose form for a new row makes a secret, or a link. The form is used up with its act, as an action's is.

    ``shown_once`` gives what the answer shows, from what ``save_model`` left on the row.
    """

    add_fieldsets: Any = ()

    def shown_once(self, obj: Any) -> Shown:
        raise NotImplementedError

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Refuse a form that was sent before, ahead of its checks: they would find fault with what it made."""
        if was_sent(request):
            self.message_user(request, SENT_BEFORE, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        context = {"form_id": new_form_id(request)} | (extra_context or {})
        response: HttpResponse = super().add_view(request, form_url, context)
        return response

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Use the form up, in the transaction of its act."""
        if not change:
            use_up(request)
        return super().save_form(request, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        shown = self.shown_once(obj)
        context = {"opts": self.opts, "title": shown.title, "shown": shown, "home": list_url(self.model)}
        context |= self.after_shown(request, obj)
        return TemplateResponse(request, "console/shown.html", self.admin_site.each_context(request) | context)

    def after_shown(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Offer, as ``next``, the page that goes on from what was shown."""
        return {}

"""Makes the admin site: sign-in, search, password, choices, and which classes may register."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.sites import UnfoldAdminSite

from credservice import __version__
from credservice.accounts.models import ConsoleSession
from credservice.accounts.sessions import row_id
from credservice.accounts.throttle import count_password, count_proof
from credservice.adminkit.audited import AuditedAdmin
from credservice.adminkit.templatetags.crumbs import Crumb
from credservice.audit import Line, record, record_refusal
from credservice.audit.names import actor_of
from credservice.console.accounts.account_form import OwnPasswordForm
from credservice.console.accounts.provider_views import sign_in_links
from credservice.console.accounts.views import MY_ACCOUNT, SignInView
from credservice.console.documents import document
from credservice.console.first_steps_page import first_steps
from credservice.console.middleware import error_page
from credservice.console.search import Search
from credservice.core.checkout import COMMAND
from credservice.core.exceptions import TooMany


class ConsoleSite(UnfoldAdminSite):
    """Unfold's site; what it does to accounts is in the audit log."""

    index_title = "Overview"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register classes of ours alone: those that other packages bring record nothing, and scan their tables."""
        if admin_class is not None and issubclass(admin_class, AuditedAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"release": __version__, "command": COMMAND}

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        return cast(HttpResponse, ChoicesView.as_view(admin_site=self)(request))

    def extra_urls(self) -> list[URLPattern]:
        """Add pages of no model."""
        documents = self.admin_view(document, cacheable=True)
        return [
            path("first-steps/", self.admin_view(first_steps), name="first_steps"),
            path("docs/", documents, name="documents"),
            path("docs/<path:name>", documents, name="documents"),
        ]

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Search in our way: Unfold's sends what is typed in the address and keeps it in a cache."""
        return Search(self)(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        name = request.POST.get("username", "")
        extra_context = {
            "providers": sign_in_links(request),
            "shows_form": not settings.OIDC_ONLY or request.method == "POST" or "emergency" in request.GET,
        } | (extra_context or {})
        refused = self._too_many(partial(count_password, request, name), request, "user.sign_in", "user:unknown")
        return refused or SignInView.as_view(extra_context=self.each_context(request) | extra_context)(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        count = partial(count_proof, request)
        refused = self._too_many(count, request, "user.password_change", actor_of(request))
        if refused:
            return refused
        with transaction.atomic():
            own_account = reverse("mfa_index")
            section = {"section": Crumb(MY_ACCOUNT, own_account)}
            shown = self.each_context(request) | section | (extra_context or {})
            # Unfold's own takes no other form.
            change = PasswordChangeView.as_view(
                form_class=OwnPasswordForm, success_url=own_account, extra_context=shown
            )
            request.current_app = self.name
            response = change(request)
            if request.method == "POST" and response.status_code == 302:
                self._changed(request)
                messages.success(request, "Your password is changed. You are signed out everywhere else.")
        return response

    def _changed(self, request: HttpRequest) -> None:
        """Sign everybody out who came in by the old password."""
        ConsoleSession.objects.end(request.user, but=row_id(request.session.session_key))
        record(Line.about(request.user, "user.password_changed", actor_of(request)))

    def _too_many(
        self, count: Callable[[], None], request: HttpRequest, action: str, actor: str
    ) -> HttpResponse | None:
        """Count what tries a password: the answer where too many were tried."""
        if request.method != "POST":
            return None
        try:
            count()
        except TooMany as error:
            record_refusal(Line(action, actor, reason=error.code, object_type="user"))
            sentence = "Too many passwords were tried from your address or for this account. Try again in"
            response = error_page(request, 429, f"{sentence} {error.retry_after} s.")
            response["Retry-After"] = str(error.retry_after)
            return response
        return None


class ChoicesView(AutocompleteJsonView):
    """Answers what is typed into a choice, in the words of the list's ``choice_label``, where it has one."""

    def serialize_result(self, obj: Model, to_field_name: str) -> dict[str, str]:
        result: dict[str, str] = super().serialize_result(obj, to_field_name)
        label: Any = getattr(self.model_admin, "choice_label", None)
        return result | ({"text": label(obj)} if label else {})

"""The admin site itself."""

from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.sites import UnfoldAdminSite

from credservice.audit import record, record_refusal
from credservice.console.actor import actor_of
from credservice.exceptions import TooMany


class ConsoleSite(UnfoldAdminSite):
    """Unfold's site; what it does to accounts is in the trail."""

    index_title = "Overview"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Classes of ours alone: those that other packages bring write no trail, and scan their tables."""
        from credservice.console.audited import AuditedAdmin

        if admin_class is not None and issubclass(admin_class, AuditedAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        from credservice.console.choices import ChoicesView

        return cast(HttpResponse, ChoicesView.as_view(admin_site=self)(request))

    def extra_urls(self) -> list[URLPattern]:
        """Unfold's place for pages of no model."""
        from credservice.console.beginning import first_steps

        return [path("first-steps/", self.admin_view(first_steps), name="first_steps")]

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Not Unfold's, which sends what is typed in the address and keeps it in a cache."""
        from credservice.console.search import Search

        return Search(self)(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        from credservice.accounts.views import SignInView

        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        refused = self._too_many(request, "user.sign_in", "user:unknown")
        return refused or SignInView.as_view(extra_context=self.each_context(request) | (extra_context or {}))(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        refused = self._too_many(request, "user.password_change", actor_of(request))
        if refused:
            return refused
        with transaction.atomic():
            response = super().password_change(request, extra_context)
            if request.method == "POST" and response.status_code == 302:
                self._changed(request)
                messages.success(request, "Your password is changed. You are signed out everywhere else.")
                return HttpResponseRedirect(reverse("mfa_index"))
        return response

    def _changed(self, request: HttpRequest) -> None:
        """A new password signs everybody out who came in by the old one."""
        from credservice.accounts.models import ConsoleSession
        from credservice.accounts.sessions import row_id

        ConsoleSession.objects.end(request.user, but=row_id(request.session.session_key))
        record(
            action="user.password_changed",
            actor=actor_of(request),
            object_type="user",
            object_id=request.user.pk,
        )

    def _too_many(self, request: HttpRequest, action: str, actor: str) -> HttpResponse | None:
        """Counts what tries a password: the answer where its address tried too many."""
        from credservice.console.middleware import error_page
        from credservice.console.password import count_try

        if request.method != "POST":
            return None
        try:
            count_try()
        except TooMany as error:
            record_refusal(action=action, actor=actor, reason=error.code, object_type="user")
            response = error_page(request, 429)
            response["Retry-After"] = str(error.retry_after)
            return response
        return None

"""The page by which an administrator helps somebody who has lost the second factor."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from unfold.enums import ActionVariant

from credservice.accounts.services import reset_second_factor
from credservice.accounts.trail import has_factor
from credservice.console.actor import actor_of
from credservice.console.password import PasswordPage


class ResetSecondFactor(PasswordPage):
    slug, title, icon = "reset-second-factor", "Reset second factor", "lock_reset"
    variant = ActionVariant.DANGER

    def refusal(self, obj: Any) -> str:
        return "" if has_factor(obj) else "This account has no second factor."

    def consequences(self, obj: Any) -> list[str]:
        return [
            "Its authenticator app, its passkeys and its recovery codes open nothing any more, and its sessions end.",
            "Be sure of who asks: whoever knows its password gets in, and can set up a second factor of their own.",
        ]

    def link(self, request: HttpRequest, obj: Any) -> dict[str, Any] | None:
        return super().link(request, obj) if self._may(request, obj) else None

    def perform(self, request: HttpRequest, obj: Any, form: forms.Form) -> str:
        if not self._may(request, obj):
            raise PermissionDenied
        reset_second_factor(user=obj, actor=actor_of(request), reason=form.cleaned_data["why"])
        return f"The second factor of {obj} is reset."

    def respond(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.admin.get_object(request, object_id)
        if obj is not None and not self._may(request, obj):
            raise PermissionDenied
        return super().respond(request, object_id)

    def _may(self, request: HttpRequest, obj: Any) -> bool:
        """Not one's own, which asks for more: that is removed at "My account"."""
        return obj.pk != request.user.pk and bool(self.admin.has_change_permission(request, obj))

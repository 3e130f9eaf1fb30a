"""Resets the second factor of somebody who has lost it, by an administrator who re-authenticates."""

from typing import Any

from django.http import HttpRequest
from unfold.enums import ActionVariant

from credservice.accounts.audit import has_factor
from credservice.accounts.services import reset_second_factor
from credservice.adminkit.object_actions import Values
from credservice.adminkit.reauthentication import PasswordPage


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

    def allowed(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse one's own, which asks for more: that is removed at "My account"."""
        others = obj is None or (obj.pk != request.user.pk and self.admin.has_change_permission(request, obj))
        return super().allowed(request) and bool(others)

    def perform(self, actor: str, obj: Any, values: Values) -> str:
        reset_second_factor(user=obj, actor=actor, reason=values["why"])
        return f"The second factor of {obj} is reset."

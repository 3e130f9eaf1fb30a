"""Asks operators to re-authenticate: before a form changes what lets somebody in, and at each reveal of a secret.

A session that somebody left open, or stole, shows no secret.
"""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from credservice.accounts.proof import ProofForm
from credservice.accounts.recent_proof import ask_for_proof, is_late, is_proven, refuse_late
from credservice.adminkit.object_actions import ObjectAction
from credservice.adminkit.state_pages import WhyForm

_ONLY_LOOKS = "console_only_looks"  # set on a request that may look, but has to re-authenticate before it changes


class ReauthenticatedForms(ModelAdmin):
    """``needs_proof``: what the forms of this list set lets somebody in, or shows a secret.

    So do its ``protected_fields`` (:class:`ChangeForms`): of a list that has some, whoever may set one is asked.
    """

    needs_proof: ClassVar[bool] = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not self.only_looks(request)

    @staticmethod
    def only_looks(request: HttpRequest) -> bool:
        return getattr(request, _ONLY_LOOKS, False)

    def proof_first(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """Ask before anything is saved, or a form for something new is shown. ``obj`` can be looked at without."""
        if not (self.needs_proof or self._may_set_protected(request)) or is_proven(request):
            return None
        if obj is not None and self.has_change_permission(request, obj):
            setattr(request, _ONLY_LOOKS, True)
            return None
        may = obj is None and (self.has_add_permission(request) or self.has_change_permission(request))
        return ask_for_proof(request) if may else None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Refuse what was sent too late, so that it is shown again as it was typed."""
        form_class: Any = super().get_form(request, obj, change=change, **kwargs)
        if not is_late(request):
            return form_class

        class Late(form_class):  # type: ignore[misc]
            def full_clean(self) -> None:
                refuse_late(request, self)

        return Late

    def _may_set_protected(self, request: HttpRequest) -> bool:
        return any(request.user.has_perm(permission) for permission in getattr(self, "protected_fields", {}).values())


class PasswordAndWhyForm(ProofForm, WhyForm):
    """Asks for a reason, and for a proof that it is the user who is signed in."""

    field_order = ("why", "password", "credential")


SHOWN_ONCE = "This page is shown once, and its showing is recorded. Close it when you are done."  # what was revealed


class PasswordPage(ObjectAction):
    """An act that asks for a reason and for the operator's password, code or passkey, each time."""

    def make_form(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        return PasswordAndWhyForm(request, data)

"""The operator's own password: tries of it, counted by address, and pages that ask for it once more.

A session that somebody left open, or stole, shows no secret.
"""

import zlib
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget

from credservice.audit import record_refusal
from credservice.console.actor import actor_of
from credservice.console.pages import ObjectPage
from credservice.console.switch import WhyForm
from credservice.exceptions import TooMany
from credservice.http.context import current_context
from credservice.limits.counter import count_call

# Of one address. Each try costs a quarter of a second of a processor (engineering notes, "Cost of the parts"): more
# of them would not only guess passwords, but keep the doors from answering.
TRIES_PER_MINUTE = 20
COUNTERS = 4096  # addresses share this many, so that nobody fills the table with theirs


def count_try() -> None:
    """Count a try of a password, at the sign-in or later. Raises :class:`TooMany`."""
    counter = zlib.crc32((current_context().source or "").encode()) % COUNTERS
    count_call(f"sign_in:{counter}", TRIES_PER_MINUTE)


class PasswordAndWhyForm(WhyForm):
    """A reason, and the password of the user who is signed in."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        max_length=4096,
        help_text="Your own, once more: an open session alone shows no secret.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data)
        self._request = request

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:  # a form that is incomplete costs no hash
            self._check(data.pop("password"))
        return data

    def _check(self, password: str) -> None:
        try:
            count_try()
        except TooMany as error:
            self._refuse(error.code)
            sentence = f"Too many passwords were tried from your address. Try again in {error.retry_after} s."
            raise ValidationError(sentence) from None
        if not self._request.user.check_password(password):
            self._refuse("wrong_password")
            raise ValidationError({"password": "This is not your password."})

    def _refuse(self, reason: str) -> None:
        record_refusal(
            action="user.password_check",
            actor=actor_of(self._request),
            reason=reason,
            object_type="user",
            object_id=self._request.user.pk,
        )


class PasswordPage(ObjectPage):
    """A page about one object that asks for a reason and the operator's password."""

    def make_form(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        return PasswordAndWhyForm(request, data)

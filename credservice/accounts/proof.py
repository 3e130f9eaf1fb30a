"""That it is still the operator who sits there: the own password, a code of the second factor, or a passkey.

Every try is counted by address (:func:`credservice.console.password.count_try`), those of codes and passkeys by account
too (allauth's limit ``login_failed``), and each one that fails is in the trail.
"""

import re
from typing import Any

from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget

from credservice.accounts.trail import refuse
from credservice.audit import record_refusal
from credservice.console.actor import actor_of
from credservice.exceptions import TooMany

CODE = re.compile(r"\d{3} ?\d{3}|\d{4} ?\d{4}")  # of an authenticator app; a recovery code


class ProofField(forms.CharField):
    """Takes the password or a code; beside it a passkey's answer may be sent."""

    def __init__(self) -> None:
        super().__init__(
            label="Your password",
            strip=False,
            required=False,
            max_length=4096,
            help_text="Your own, once more: an open session alone shows no secret.",
            widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
        )


class ProofForm(forms.Form):
    """Mixed into the forms that ask for a proof. What was proven with is in ``proven_by``."""

    password = ProofField()
    credential = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20_000)

    proven_by = ""

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data)
        self._request = request
        kinds = set(Authenticator.objects.filter(user_id=request.user.pk).values_list("type", flat=True))
        self.has_codes = bool(kinds - {Authenticator.Type.WEBAUTHN})
        self.has_passkey = Authenticator.Type.WEBAUTHN in kinds
        if self.has_codes:
            self.fields["password"].label = "Your password, or a code"
            self.fields["password"].help_text = (
                "Your own, once more: an open session alone shows no secret. A code is one of your authenticator app, "
                "or an unused recovery code."
            )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        password, credential = data.pop("password", ""), data.pop("credential", "")
        if self.errors:  # a form that is incomplete costs no hash
            return data
        if not password and not credential:
            raise ValidationError({"password": "This field is required."})
        self._count()
        self.proven_by = self._passkey(credential) if credential else self._typed(password)
        return data

    def _count(self) -> None:
        from credservice.console.password import count_try

        try:
            count_try()
        except TooMany as error:
            self._refuse(error.code)
            sentence = f"Too many passwords were tried from your address. Try again in {error.retry_after} s."
            raise ValidationError(sentence) from None

    def _typed(self, text: str) -> str:
        if self.has_codes and CODE.fullmatch(text.strip()):
            form = ReauthenticateForm(user=self._request.user, data={"code": text})
            with transaction.atomic():
                take_turns(self._request.user)
                if form.is_valid():
                    form.save()
                    return "code"
            raise ValidationError({"password": form.errors["code"]})
        if not self._request.user.check_password(text):
            self._refuse("wrong_password")
            raise ValidationError({"password": "This is not your password."})
        return "password"

    def _passkey(self, credential: str) -> str:
        from credservice.accounts.forms import is_ours

        form = ReauthenticateWebAuthnForm(user=self._request.user, data={"credential": credential})
        if not is_ours(credential) or not form.is_valid():
            refuse(self._request.user, "wrong_passkey")
            raise ValidationError({"password": "This passkey was not accepted."})
        form.save()
        return "passkey"

    def _refuse(self, reason: str) -> None:
        record_refusal(
            action="user.password_check",
            actor=actor_of(self._request),
            reason=reason,
            object_type="user",
            object_id=self._request.user.pk,
        )


def take_turns(user: Any) -> None:
    """Of several who send a code of the account at once, one after the other, in the caller's transaction."""
    rows = Authenticator.objects.select_for_update().filter(user_id=user.pk).order_by("pk")
    list(rows.values_list("pk", flat=True))

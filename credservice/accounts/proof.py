"""Re-authenticates an operator at an act: by password, code, passkey, or at the provider.

Every try is counted by session (:mod:`credservice.accounts.throttle`), those of codes and passkeys besides, and each
one that fails is in the audit log.
"""

import re
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget

from credservice.accounts.audit import refuse
from credservice.accounts.forms import ProofCodeForm, ProofPasskeyForm
from credservice.accounts.oidc.marks import is_confirmed, provider_of, use_confirmation
from credservice.accounts.passkeys import NOT_ACCEPTED, is_ours
from credservice.accounts.throttle import count_proof
from credservice.audit import Line, record_refusal
from credservice.audit.names import actor_of
from credservice.core.exceptions import TooMany

WITH_CODES = (
    "Your own, once more: an open session alone shows no secret. A code is one of your authenticator app, "
    "or an unused recovery code."
)
CODES_ALONE = "Of your authenticator app, or an unused recovery code: an open session alone shows no secret."
NOT_CONFIRMED = "Confirm first that it is you."
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
    """Asks for a proof, mixed into the forms that need one. ``proven_by`` says by what it was given."""

    password = ProofField()
    credential = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20_000)

    proven_by = ""

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data)
        self._request = request
        kinds = set(Authenticator.objects.filter(user_id=request.user.pk).values_list("type", flat=True))
        self.has_codes = bool(kinds - {Authenticator.Type.WEBAUTHN})
        self.has_passkey = Authenticator.Type.WEBAUTHN in kinds
        # Whoever came by a provider has no password here, and may have no second factor either.
        self.provider = provider_of(request)
        self.is_confirmed = bool(self.provider) and is_confirmed(request)
        self.needs_provider = bool(self.provider) and not (self.has_codes or self.has_passkey or self.is_confirmed)
        if self.provider and not self.has_codes:
            del self.fields["password"]
        elif self.has_codes:
            self.fields["password"].label = "A code" if self.provider else "Your password, or a code"
            self.fields["password"].help_text = CODES_ALONE if self.provider else WITH_CODES

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        password, credential = data.pop("password", ""), data.pop("credential", "")
        if self.errors:  # a form that is incomplete costs no hash
            return data
        if not password and not credential:
            if self.provider and use_confirmation(self._request):
                self.proven_by = "provider"
                return data
            raise self._fault(NOT_CONFIRMED if self.provider else "This field is required.")
        self._count()
        self.proven_by = self._passkey(credential) if credential else self._typed(password)
        return data

    def _count(self) -> None:
        try:
            count_proof(self._request)
        except TooMany as error:
            self._refuse(error.code)
            sentence = f"Too many passwords were tried in this session. Try again in {error.retry_after} s."
            raise ValidationError(sentence) from None

    def _typed(self, text: str) -> str:
        if self.has_codes and CODE.fullmatch(text.strip()):
            form = ProofCodeForm(user=self._request.user, data={"code": text})
            with transaction.atomic():
                if form.is_valid():
                    form.save()
                    return "code"
            raise ValidationError({"password": form.errors["code"]})
        if self.provider:
            raise self._fault("This is no code.")
        if not self._request.user.check_password(text):
            self._refuse("wrong_password")
            raise ValidationError({"password": "This is not your password."})
        return "password"

    def _passkey(self, credential: str) -> str:
        form = ProofPasskeyForm(user=self._request.user, data={"credential": credential})
        if not is_ours(credential):
            refuse(self._request.user, "wrong_passkey")
            raise self._fault(NOT_ACCEPTED)
        if not form.is_valid():
            raise self._fault(NOT_ACCEPTED)
        form.save()
        return "passkey"

    def _fault(self, sentence: str) -> ValidationError:
        """Say it at the field, where there is one."""
        return ValidationError({"password": sentence} if "password" in self.fields else sentence)

    def _refuse(self, reason: str) -> None:
        actor = actor_of(self._request)
        record_refusal(Line.about(self._request.user, "user.password_check", actor, reason=reason))

"""allauth's forms of the sign-in and of a new passkey, with our limits, our looks and our trail.

Named in ``MFA_FORMS`` (settings). What is counted and recorded at a proof inside a session is in
:mod:`credservice.accounts.proof`.
"""

import json
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, LoginWebAuthnForm
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from fido2.utils import websafe_decode
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from credservice.accounts.proof import take_turns
from credservice.accounts.trail import refuse
from credservice.audit import record_refusal
from credservice.console.password import count_try
from credservice.exceptions import TooMany

MAX_CODE = 32
MAX_NAME = 60


class CodeField(forms.CharField):
    def __init__(self, label: str) -> None:
        attributes = {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        super().__init__(label=label, max_length=MAX_CODE, widget=UnfoldAdminTextInputWidget(attrs=attributes))


class SignInForm(AuthenticationForm):
    """Name and password, of an account that may open the console."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "This name and password open no account here. Capitals and small letters differ.",
    }

    def confirm_login_allowed(self, user: Any) -> None:
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            record_refusal(
                action="user.sign_in",
                actor=f"user:{user.get_username()}",
                reason="not_staff",
                object_type="user",
                object_id=user.pk,
            )
            raise


class SignInCodeForm(AuthenticateForm):  # type: ignore[misc]
    code = CodeField("Code")

    def clean_code(self) -> Any:
        count(self.user)
        take_turns(self.user)
        return super().clean_code()


class SignInPasskeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc]
    def clean_credential(self) -> Any:
        return check_passkey(self.user, self.cleaned_data["credential"], super().clean_credential)


class PasskeySignInForm(LoginWebAuthnForm):  # type: ignore[misc]
    """With a passkey alone, which then has checked its owner: by a PIN, a finger or a face."""

    def clean_credential(self) -> Any:
        return check_passkey(None, self.cleaned_data["credential"], super().clean_credential)


class AppForm(ActivateTOTPForm):  # type: ignore[misc]
    code = CodeField("Code that the app shows")

    def clean_code(self) -> Any:
        count(self.user)
        try:
            return super().clean_code()
        except ValidationError:
            refuse(self.user, "wrong_code_at_set_up")
            raise


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(
        label="Name",
        required=False,
        max_length=MAX_NAME,
        help_text="So that you know it among others: where it is kept, such as a phone or a key.",
        widget=UnfoldAdminTextInputWidget(),
    )
    passwordless = forms.BooleanField(
        label="Sign in with it alone",
        required=False,
        help_text="Without a password. It then asks for a PIN, a finger or a face each time.",
        widget=UnfoldBooleanWidget(),
    )

    def clean(self) -> Any:
        if self.cleaned_data.get("credential"):
            check_origin(self.cleaned_data["credential"])
        return super().clean()


def count(user: Any) -> None:
    """Count a try by address. Raises ``ValidationError`` past the limit."""
    try:
        count_try()
    except TooMany as error:
        refuse(user, error.code)
        raise ValidationError(f"Too many tries from your address. Try again in {error.retry_after} s.") from None


def check_passkey(user: Any, credential: Any, check: Any) -> Any:
    """A passkey's answer, counted, for this origin, and recorded where it does not pass."""
    count(user)
    try:
        check_origin(credential)
        return check()
    except ValidationError:
        refuse(user, "wrong_passkey")
        raise ValidationError("This passkey was not accepted.") from None


def is_ours(text: str) -> bool:
    """Whether a passkey's answer, as it was sent, was given at our origin."""
    try:
        check_origin(json.loads(text))
    except (ValueError, RecursionError, ValidationError):
        return False
    return True


def check_origin(credential: Any) -> None:
    """WebAuthn Level 2, 7.1 step 9 and 7.2 step 13: the origin is ours, not that of a neighbour in our domain."""
    try:
        origin = json.loads(websafe_decode(credential["response"]["clientDataJSON"]))["origin"]
    except (KeyError, TypeError, ValueError):
        raise ValidationError("This passkey was not accepted.") from None
    ours = urlsplit(settings.CONSOLE_URL)
    if origin != f"{ours.scheme}://{ours.netloc}":
        raise ValidationError(f"Passkeys work at {settings.CONSOLE_URL} alone. Open the console there.")

"""Puts our limits, looks and audit log around allauth's forms of the sign-in and of a new passkey.

Named in ``MFA_FORMS`` (settings). What is counted and recorded at a proof inside a session is in
:mod:`credservice.accounts.proof`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from credservice.accounts.adapters import NOT_HERE
from credservice.accounts.audit import refuse
from credservice.accounts.codes import step_of, use_code
from credservice.accounts.oidc.marks import is_local_shut
from credservice.accounts.passkeys import (
    NOT_ACCEPTED,
    Purpose,
    challenge,
    check_origin,
    is_user_verified,
    signs_in_alone,
)
from credservice.accounts.throttle import count_proof, count_try, few_codes
from credservice.audit import Line, record_refusal
from credservice.core.exceptions import TooMany
from credservice.core.names import PLAIN_ERRORS, validate_name

MAX_CODE = 32
MAX_NAME = 60


class CodeField(forms.CharField):
    def __init__(self, label: str) -> None:
        attributes = {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        super().__init__(label=label, max_length=MAX_CODE, widget=UnfoldAdminTextInputWidget(attrs=attributes))


class SignInForm(AuthenticationForm):
    """Takes name and password, of an account that may open the console."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "This name and password open no account here. Capitals and small letters differ, and "
        "blanks before or after count.",
        "not_here": NOT_HERE,
    }

    def confirm_login_allowed(self, user: Any) -> None:
        """Say more than of a wrong password: it was right, as the second step would tell of an account that is open.

        Django asks nobody here who is deactivated: to that account no password is right.
        """
        if user.is_active and user.is_staff and not is_local_shut(user):
            return
        reason = "only_by_provider" if user.is_staff else "not_staff"
        record_refusal(Line.about(user, "user.sign_in", f"user:{user.get_username()}", reason=reason))
        raise ValidationError(self.error_messages["not_here"], code="not_here")


class SignInCodeForm(AuthenticateForm):  # type: ignore[misc]
    code = CodeField("Code")

    def clean_code(self) -> Any:
        count(self.user)
        return take_code(self)


class ProofCodeForm(ReauthenticateForm):  # type: ignore[misc]
    def clean_code(self) -> Any:
        return take_code(self)


class SignInPasskeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc]
    def clean_credential(self) -> Any:
        count(self.user)
        return take_passkey(self, "second_step", super().clean_credential)


class ProofPasskeyForm(ReauthenticateWebAuthnForm):  # type: ignore[misc]
    def clean_credential(self) -> Any:
        return take_passkey(self, "proof", super().clean_credential)


class PasskeySignInForm(LoginWebAuthnForm):  # type: ignore[misc]
    """Signs in with a passkey alone, which then has checked its owner: by a PIN, a finger or a face."""

    def clean_credential(self) -> Any:
        count(None)
        row = take_passkey(self, "sign_in", super().clean_credential)
        if not (signs_in_alone(row) and is_user_verified(self.cleaned_data["credential"])):
            refuse(row.user, "passkey_not_alone")
            raise ValidationError("This passkey is a second factor: sign in with your password, and use it then.")
        return row


class AppForm(ActivateTOTPForm):  # type: ignore[misc]
    code = CodeField("Code that the app shows")

    def clean_code(self) -> Any:
        with counted(self.user):
            count_proof(context.request)
        try:
            code = super().clean_code()
            if step_of(self.secret, code) is None:  # allauth takes the one of the step to come
                raise get_adapter().validation_error("incorrect_code")
            return code
        except ValidationError:
            refuse(self.user, "wrong_code_at_set_up")
            raise


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(
        label="Name",
        required=False,
        max_length=MAX_NAME,
        validators=[validate_name],
        help_text="So that you know it among others: where it is kept, such as a phone or a key.",
        widget=UnfoldAdminTextInputWidget(),
        error_messages=PLAIN_ERRORS,
    )
    name.widget.attrs.pop("maxlength")  # a browser would cut a longer one without a word
    passwordless = forms.BooleanField(
        label="Sign in with it alone",
        required=False,
        help_text="Without a password. It then asks for a PIN, a finger or a face each time.",
        widget=UnfoldBooleanWidget(),
    )

    def clean(self) -> Any:
        if self.cleaned_data.get("credential"):
            check_origin(self.cleaned_data["credential"])
            with challenge("registration", self.user):
                return super().clean()
        return super().clean()


def count(user: Any) -> None:
    """Count a try before the session. Raises ``ValidationError`` past the limit."""
    with counted(user):
        count_try(context.request, user.get_username() if user else "")


@contextmanager
def counted(user: Any) -> Iterator[None]:
    """Turn :class:`TooMany` into what a form says."""
    try:
        yield
    except TooMany as error:
        refuse(user, error.code)
        raise ValidationError(f"Too many tries from your address. Try again in {error.retry_after} s.") from None


@contextmanager
def few_tries(user: Any) -> Iterator[None]:
    """Bound the codes and passkeys that are tried for one account in a row; a passkey alone is no account's yet."""
    try:
        with few_codes(context.request, user) if user else nullcontext():
            yield
    except TooMany as error:
        refuse(user, error.code)
        raise get_account_adapter().validation_error("too_many_login_attempts") from None


def take_code(form: Any) -> str:
    """Take the code of a form of allauth's, once; allauth's own check takes it again a minute later."""
    with few_tries(form.user):
        form.authenticator = use_code(form.user, form.cleaned_data["code"])
        if form.authenticator is None:
            refuse(form.user, "wrong_code")
            raise get_adapter().validation_error("incorrect_code")
    return str(form.cleaned_data["code"])


def take_passkey(form: Any, purpose: Purpose, check: Any) -> Any:
    """Check a passkey's answer: for this origin and purpose, and recorded where it does not pass."""
    with few_tries(form.user):
        try:
            with challenge(purpose, form.user):
                check_origin(form.cleaned_data["credential"])
                return check()
        except ValidationError:
            refuse(form.user, "wrong_passkey")
            raise ValidationError(NOT_ACCEPTED) from None

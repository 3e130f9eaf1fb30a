"""Tells allauth who may sign in, where its pages are, how secrets are sealed, and what a passkey is bound to."""

from typing import Any, cast
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from credservice.accounts.oidc.marks import Arrival, is_local_shut, signs_in_by
from credservice.accounts.oidc.stages import arrival_of
from credservice.accounts.sealing import seal_text, unseal_text
from credservice.audit import Line, record_refusal
from credservice.http.context import current_context

NAME = "credservice"
NOT_HERE = "This account may not sign in here, or not in this way."


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Operators' accounts are made in the console, never by signing up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Check whichever way somebody comes in: a passkey and a provider pass no form of ours."""
        refusal = _refusal(user, arrival_of(kwargs.get("signal_kwargs")))
        if not refusal:
            return cast("HttpResponse | None", super().pre_login(request, user, **kwargs))
        record_refusal(Line.about(user, "user.sign_in", f"user:{user.get_username()}", reason=refusal))
        messages.error(request, NOT_HERE)
        return HttpResponseRedirect(reverse("admin:login"))

    def get_login_stages(self) -> list[str]:
        return ["credservice.accounts.oidc.stages.SecondStep", "credservice.accounts.oidc.stages.MarkSession"]

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("admin:index")

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Lead to one page of ours for all of them."""
        if not user.is_authenticated:
            return []
        return [{"id": "reauthenticate", "description": "Confirm", "url": reverse("account_reauthenticate")}]

    def is_safe_url(self, url: str | None) -> bool:
        """Allow paths of ours alone."""
        return bool(url) and str(url).startswith("/admin/") and super().is_safe_url(url)

    def get_client_ip(self, request: HttpRequest) -> str:
        return current_context().source or "unknown"


def _refusal(user: Any, came: Arrival | None) -> str:
    if not (user.is_active and user.is_staff):
        return "not_staff"
    if came:
        return ""
    # Whoever left the provider's directory must not come in by a passkey that was added here.
    return "only_by_provider" if signs_in_by(user) or is_local_shut(user) else ""


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return seal_text(text, context.request.user.pk)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal_text(encrypted_text)

    def get_totp_issuer(self) -> str:
        return f"{NAME} ({self._host()})"

    def get_totp_label(self, user: Any) -> str:
        return str(user.get_username())

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Name the console's own host, not what a request's Host says: WebAuthn binds a passkey to it."""
        return {"id": self._host(), "name": NAME}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        return entity | {"name": user.get_username(), "display_name": user.get_full_name() or user.get_username()}

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return "Passkey" if count == 0 else f"Passkey {count + 1}"

    def _host(self) -> str:
        return urlsplit(settings.CONSOLE_URL).hostname or "localhost"

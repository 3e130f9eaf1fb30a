"""Decides what becomes of an answer of a provider: a sign-in, a confirmation, or a refusal that is in the audit log."""

import re
import time
from typing import Any

import requests
import structlog
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from credservice.accounts.oidc.admission import NoRole, admit
from credservice.accounts.oidc.config import get_provider, providers
from credservice.accounts.oidc.marks import Arrival, keep_confirmation
from credservice.accounts.oidc.provider import app_of
from credservice.accounts.oidc.tokens import TokenRefused, auth_time, check_auth_time, check_nonce
from credservice.accounts.oidc.transport import session
from credservice.audit import Line, record, record_refusal
from credservice.audit.names import actor_of

log = structlog.get_logger(__name__)

ARRIVAL = "arrival"  # in the state of a sign-in
_NO_ROLE = "Your groups have no role here. Ask an administrator of this service to give one of them a role"
_ERROR = re.compile(r'"error"\s*:\s*"([a-z_]{1,40})"')


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Reads providers from the settings alone. Signing up is closed: :mod:`.admission` makes accounts."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        found = [app_of(config) for config in providers()]
        return [
            app
            for app in found
            if provider in (None, app.provider, app.provider_id) and client_id in (None, app.client_id)
        ]

    def get_requests_session(self) -> requests.Session:
        return session()

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Check that the answer is to this session's request, and act on it. allauth has verified nothing of that."""
        sociallogin.token = None  # else it would lie in the session while the second step waits
        asked = sociallogin.state.get("data") or {}
        try:
            check_nonce(sociallogin.proven, asked.get("nonce", ""))
            if sociallogin.state.get("process") == AuthProcess.REDIRECT:
                self._confirm(request, sociallogin, asked)
            else:
                self._sign_in(sociallogin)
        except TokenRefused as error:
            raise OAuth2Error(str(error)) from None
        except NoRole:
            whence = get_provider(sociallogin.account.provider).name
            raise self._back(request, f"{_NO_ROLE}: its audit log has those that {whence} told just now.") from None

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        """Say what failed in the log and in the audit log; to the person, that it did."""
        alias, reason = provider.app.provider_id, _reason(error, exception)
        log.warning("provider_sign_in_failed", provider=alias, error=reason)
        actor = actor_of(request) if request.user.is_authenticated else "user:unknown"
        line = Line("user.sign_in", actor, reason="provider", object_type="user", detail={"provider": alias})
        record_refusal(line)
        raise self._back(request, f"{provider.app.name} did not sign you in: {reason}.")

    def _sign_in(self, sociallogin: SocialLogin) -> None:
        config, proven = get_provider(sociallogin.account.provider), sociallogin.proven
        admit(sociallogin, config, sociallogin.claims)
        arrived = Arrival(config.alias, auth_time(proven), config.counts_as_second_factor(proven))
        sociallogin.state[ARRIVAL] = list(arrived)

    def _confirm(self, request: HttpRequest, sociallogin: SocialLogin, asked: dict[str, Any]) -> None:
        """Take a sign-in there, just now and by the same person, as proof in a session that is open here."""
        if not request.user.is_authenticated or sociallogin.user.pk != request.user.pk:
            raise TokenRefused("somebody else signed in there")
        check_auth_time(sociallogin.proven, asked.get("at", time.time()), time.time())
        record_authentication(request, request.user, "socialaccount", reauthenticated=True)
        keep_confirmation(request, asked["nonce"])
        detail = {"provider": sociallogin.account.provider}
        record(Line.about(request.user, "user.confirmed", actor_of(request), detail))

    def _back(self, request: HttpRequest, sentence: str) -> ImmediateHttpResponse:
        messages.error(request, sentence)
        page = "mfa_index" if request.user.is_authenticated else "admin:login"
        return ImmediateHttpResponse(HttpResponseRedirect(reverse(page)))


def _reason(error: Any, exception: Exception | None) -> str:
    """Make a phrase that holds nothing of an answer but a code of OAuth 2.0."""
    if exception is None:
        return "you cancelled it" if error == "cancelled" else "the answer was not to a request of this browser"
    text = str(exception)
    if text.startswith("Error retrieving access token"):  # allauth quotes the answer
        code = _ERROR.search(text)
        return f"it gave no token ({code[1]})" if code else "it gave no token"
    return text if isinstance(exception, OAuth2Error | requests.RequestException) else type(exception).__name__

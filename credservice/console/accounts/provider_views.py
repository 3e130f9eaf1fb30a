"""Leads to a provider, to sign in or to confirm, and takes its answer. By GET: a form may lead nowhere else (CSP)."""

import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from credservice.accounts.oidc.config import get_provider, providers
from credservice.accounts.oidc.marks import provider_of
from credservice.accounts.oidc.provider import ConsoleOAuth2Adapter
from credservice.console.accounts.views import too_many


def sign_in_links(request: HttpRequest) -> list[dict[str, str]]:
    """List the providers for the sign-in page, each of which leads on to where the page would."""
    onward = get_next_redirect_url(request)
    query = f"?{urlencode({'next': onward})}" if onward else ""
    return [{"name": one.name, "url": f"{reverse('provider_sign_in', args=[one.alias])}{query}"} for one in providers()]


def sign_in(request: HttpRequest, alias: str) -> HttpResponse:
    return too_many(request, "provider_sign_in") or _leave(request, alias, AuthProcess.LOGIN)


def confirm(request: HttpRequest) -> HttpResponse:
    """Have the provider ask again who it is, whatever session is open there (Core, 3.1.2.1)."""
    config = provider_of(request)
    if config is None:
        raise Http404
    return _leave(request, config.alias, AuthProcess.REDIRECT, prompt="login", max_age="0")


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    provider = _provider(request, provider_id)
    view = OAuth2CallbackView.adapter_view(ConsoleOAuth2Adapter(request, provider_id))
    return _or_refused(request, provider, partial(view, request))


def _leave(request: HttpRequest, alias: str, process: str, **asked: str) -> HttpResponse:
    provider, nonce = _provider(request, alias), secrets.token_urlsafe(24)
    acr = " ".join(get_provider(alias).second_factor.get("acr", []))
    to_provider = partial(
        provider.redirect,
        request,
        process=process,
        next_url=get_next_redirect_url(request),
        data={"nonce": nonce, "at": time.time()},
        auth_params={"nonce": nonce, **asked} | ({"acr_values": acr} if acr else {}),
    )
    return _or_refused(request, provider, to_provider)


def _provider(request: HttpRequest, alias: str) -> Any:
    try:
        return get_adapter().get_provider(request, alias)
    except SocialApp.DoesNotExist:
        raise Http404 from None


def _or_refused(request: HttpRequest, provider: Any, act: Callable[[], HttpResponse]) -> HttpResponse:
    """Catch what allauth does not: a provider whose own document cannot be had."""
    try:
        return act()
    except OAuth2Error as error:
        refused: HttpResponse = render_authentication_error(request, provider, exception=error)
        return refused

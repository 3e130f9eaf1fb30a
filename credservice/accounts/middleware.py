"""Demands a second factor, knows browsers again, and runs allauth's middleware, for the console's paths alone."""

from collections.abc import Callable

from allauth.account.middleware import AccountMiddleware
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from credservice.accounts.audit import INVITED, SHOWN, has_factor
from credservice.accounts.devices import known_device, remember_device
from credservice.accounts.oidc.marks import arrival, is_session_shut

PREFIX = "/admin/"
# What somebody may open who has yet to set one up.
SET_UP = (
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "account_reauthenticate",
    "account_passkey_options",
    "account_signed_in",
    "account_provider_confirm",
    "admin:logout",
    "admin:login",
)


class AccountsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.allauth = AccountMiddleware(get_response)
        self.process_exception = self.allauth.process_exception

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PREFIX):
            return self.get_response(request)
        if request.path == reverse("account_signed_in"):  # a page asks, not a person
            request.session.is_activity = False  # type: ignore[attr-defined]
        response: HttpResponse = demand(request) or self.allauth(request)
        if _is_complete(request) and not known_device(request, request.user.get_username()):
            remember_device(request, response)
        if _is_refused_form(request, response):
            messages.warning(request, "You were signed out. What you sent was not saved.")
        return response


def demand(request: HttpRequest) -> HttpResponse | None:
    """Lead to where this session has to go first; None where nothing is asked of it."""
    if request.user.is_authenticated and is_session_shut(request):
        logout(request)
        messages.info(request, "The way in which you signed in is closed. Sign in again.")
        return HttpResponseRedirect(reverse("admin:login"))
    if not must_set_up(request):
        return None
    if has_factor(request.user):
        # The session is older than the factor, or began where none was asked for.
        logout(request)
        messages.info(request, "Sign in again, with your second factor.")
        return HttpResponseRedirect(reverse("admin:login"))
    if request.path in _set_up_paths(request):
        return None
    return HttpResponseRedirect(reverse("mfa_index"))


def _set_up_paths(request: HttpRequest) -> set[str]:
    """List what is open, with the way back from a provider that was asked to confirm."""
    came = arrival(request)
    back = {reverse("openid_connect_callback", args=[came.alias])} if came else set()
    return {reverse(name) for name in SET_UP} | back


def _is_refused_form(request: HttpRequest, response: HttpResponse) -> bool:
    """Tell whether a form was sent by nobody who is signed in, and is led to the sign-in, which leads back to it."""
    if request.method != "POST" or request.user.is_authenticated:
        return False
    return response.get("Location") == redirect_to_login(request.get_full_path(), reverse("admin:login")).url


def _is_complete(request: HttpRequest) -> bool:
    """Tell whether somebody is signed in here by all that is asked of them."""
    return bool(request.user.is_authenticated and not must_set_up(request))


def must_set_up(request: HttpRequest) -> bool:
    """Tell whether this session lacks what is required of it, by the settings or by an invitation."""
    required = settings.REQUIRE_SECOND_FACTOR or request.session.get(INVITED)
    return bool(required and request.user.is_authenticated and not request.session.get(SHOWN))

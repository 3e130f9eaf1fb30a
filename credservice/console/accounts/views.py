"""Signs in, re-authenticates, and shows one's own account."""

from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate, resume_request
from allauth.account.utils import get_next_redirect_url, perform_login
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.internal import flows
from allauth.mfa.webauthn.internal.auth import begin_authentication
from allauth.mfa.webauthn.views import AddWebAuthnView, login_webauthn
from django.contrib import admin, messages
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.generic.edit import FormView

from credservice.accounts.codes import use_code
from credservice.accounts.forms import SignInForm
from credservice.accounts.middleware import must_set_up
from credservice.accounts.models import ConsoleSession
from credservice.accounts.oidc.marks import provider_of
from credservice.accounts.passkeys import keep_challenge
from credservice.accounts.proof import ProofForm
from credservice.accounts.recent_proof import ask_for_proof, is_proven, sent_too_late
from credservice.accounts.sessions import row_id
from credservice.adminkit.templatetags.crumbs import Crumb
from credservice.audit import Line, record
from credservice.audit.names import actor_of
from credservice.console.accounts.account_form import described
from credservice.console.middleware import error_page
from credservice.core.exceptions import TooMany
from credservice.http.client_address import networks_of
from credservice.http.context import current_context
from credservice.limits.counter import count_networks

View = Callable[..., Any]
OPTIONS_PER_MINUTE = 60
MY_ACCOUNT = "My account"  # the section of its other pages


class SignInView(LoginView):
    """Django's sign-in; what follows a good password is allauth's: the second factor, where the account has one."""

    template_name = "admin/login.html"
    authentication_form = SignInForm
    next_page = "admin:index"

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        self.request.session.cycle_key()
        # Good for adding a factor in the next minutes: a password just typed need not be typed again for that.
        record_authentication(self.request, user, "password", reauthenticated=True)
        response: HttpResponse = perform_login(self.request, user, redirect_url=self.get_success_url())
        return response


class ConfirmView(FormView):  # type: ignore[type-arg]
    """allauth's re-authentication: before an account's second factor is changed, or its recovery codes are seen."""

    template_name = "accounts/confirm.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask nobody who has just signed in on the way here."""
        onward = get_next_redirect_url(request)
        if onward and is_proven(request) and did_recently_reauthenticate(request):
            return HttpResponseRedirect(onward)
        return super().get(request, *args, **kwargs)

    def get_form(self, form_class: Any = None) -> ProofForm:
        return ProofForm(self.request, self.request.POST if self.request.method == "POST" else None)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Have the provider lead back to where this page would lead."""
        return super().get_context_data(**kwargs) | {"proof_leads_to": get_next_redirect_url(self.request)}

    def form_valid(self, form: ProofForm) -> HttpResponse:
        if form.proven_by == "password":
            record_authentication(self.request, self.request.user, "password", reauthenticated=True)
        response: HttpResponse | None = resume_request(self.request)
        return response or HttpResponseRedirect(reverse("mfa_index"))


def confirmed(request: HttpRequest) -> HttpResponse:
    """Say where to go on, in the tab that a form which was sent too late has opened."""
    context = {"form_url": get_next_redirect_url(request)}
    return ask_for_proof(request) or TemplateResponse(request, "accounts/confirmed.html", context)


class SecondStepView(AuthenticateView):  # type: ignore[misc]
    """Asks for the second factor, between the password and the session."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        keep_challenge("second_step", self.stage.login.user)
        kinds = Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True)
        return context | {
            "has_passkey": Authenticator.Type.WEBAUTHN in kinds,
            "has_app": Authenticator.Type.TOTP in kinds,
        }


class ProvenFirst:
    """Asks for a recent proof. allauth asks nobody who has neither a password nor a factor yet."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        elsewhere = ask_for_proof(request)
        if elsewhere:
            return sent_too_late(request, elsewhere)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response


class AddAppView(ProvenFirst, ActivateTOTPView):  # type: ignore[misc]
    """Adds an authenticator app. The code that shows it works is good for nothing else."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        use_code(self.request.user, form.cleaned_data["code"])
        return response


class AddPasskeyView(ProvenFirst, AddWebAuthnView):  # type: ignore[misc]
    """Adds a passkey, and keeps whether it signs in alone: what a device tells of itself is no choice of its owner."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        keep_challenge("registration", self.request.user)
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        row, codes = flows.add_authenticator(self.request, form.cleaned_data["name"], form.cleaned_data["credential"])
        row.data["passwordless"] = form.cleaned_data["passwordless"]
        row.save(update_fields=["data"])
        self.did_generate_recovery_codes = bool(codes)
        return HttpResponseRedirect(self.get_success_url())


class AccountView(IndexView):  # type: ignore[misc]
    """Shows one's own second factor, roles and sessions."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        sessions = ConsoleSession.objects.live().filter(user_id=self.request.user.pk).order_by("-seen_at")
        return context | {
            "sessions": sessions,
            "own_session": row_id(self.request.session.session_key),
            "provider": provider_of(self.request),
            "roles": [described(role) for role in self.request.user.groups.order_by("name")],
            "left_codes": _left_codes(context["authenticators"]),
        }


def _left_codes(authenticators: dict[str, Any]) -> int | None:
    codes = authenticators.get("recovery_codes")
    return None if codes is None else len(codes.get_unused_codes())


def signed_in(request: HttpRequest) -> HttpResponse:
    """Tell a page of the console who is signed in now, with the token for its form: each sign-in makes another.

    To another site's page it is as if nobody were: a browser names that one, and lets it read no answer anyhow.
    """
    is_ours = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    if not (is_ours and request.user.is_authenticated):
        return JsonResponse({"user": None})
    return JsonResponse({"user": request.user.get_username(), "csrf_token": get_token(request)})


def passkey_options(request: HttpRequest) -> HttpResponse:
    """Answer what the browser asks the operator's passkey with: ``PublicKeyCredentialRequestOptions``."""
    options = begin_authentication(request.user)
    keep_challenge("proof", request.user)
    return JsonResponse({"request_options": options})


def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in by allauth. Each GET begins a session with the challenge in it: so many a minute of one address."""
    refused = too_many(request, "passkey_options") if request.method != "POST" else None  # a form counts a POST
    if refused:
        return refused
    answer: HttpResponse = login_webauthn(request)
    if request.method != "POST":
        keep_challenge("sign_in")
    return answer


def too_many(request: HttpRequest, kind: str) -> HttpResponse | None:
    """Count what begins a session for anybody who asks: the answer where an address asked too often."""
    try:
        count_networks(kind, networks_of(current_context().source), OPTIONS_PER_MINUTE)
    except TooMany as error:
        response = error_page(request, 429)
        response["Retry-After"] = str(error.retry_after)
        return response
    return None


def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else: by a POST."""
    with transaction.atomic():
        ended = ConsoleSession.objects.end(request.user, but=row_id(request.session.session_key))
        record(Line.about(request.user, "user.sessions_ended", actor_of(request), {"sessions": ended}))
    messages.success(request, f"Signed out elsewhere: {ended}.")
    return HttpResponseRedirect(reverse("mfa_index"))


def console_page(view: View, title: str, *, in_account: bool = True) -> View:
    """Show one of allauth's views as a page of the console, all that it changes in one transaction with its lines in
    the audit log. ``in_account``: it stands in the section of one's own account."""

    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = view(request, *args, **kwargs)
        if isinstance(response, TemplateResponse) and not response.is_rendered:
            own = response.context_data or {}
            # "object" would be a crumb of Unfold's header, to a list that the console does not have.
            section = Crumb(MY_ACCOUNT, reverse("mfa_index")) if in_account else None
            shown = {"title": title, "section": section}
            response.context_data = admin.site.each_context(request) | shown | own | {"object": None}
            if must_set_up(request):  # nothing else can be opened before
                response.context_data |= {"must_set_up": True, "is_nav_sidebar_enabled": False}
        return response

    return page

"""Lets whoever was invited make their account.

The link holds the code behind its ``#``, which browsers send to nobody: no log and no proxy has it. The page's script
sends it by a form; then it lies in the session until the account is made.
"""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from credservice.accounts.invitations import ENDED, MAX_CODE, find_invitation, take_invitation
from credservice.audit import Line, record_refusal
from credservice.console import roles
from credservice.console.accounts.account_form import NewAccountForm, allowance
from credservice.console.accounts.views import too_many
from credservice.core.exceptions import Conflict
from credservice.core.names import validate_name

CODE = "invitation_code"  # in the session


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code of your invitation",
        max_length=MAX_CODE,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_code(self) -> Any:
        code = self.cleaned_data["code"]
        if find_invitation(code) is None:
            line = Line("invitation.open", "user:unknown", reason="unknown_or_ended", object_type="invitation")
            record_refusal(line)
            raise forms.ValidationError(ENDED)
        return code


class OwnAccountForm(NewAccountForm):
    """Takes the name and the password that somebody chooses for their own account."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)  # with it a password could be left out
        for name in ("password1", "password2"):
            self.fields[name].required = True
        for name in ("first_name", "last_name"):
            self.fields[name].validators.append(validate_name)
        for name in self.Meta.fields:
            self.fields[name].widget = UnfoldAdminTextInputWidget()


def invitation(request: HttpRequest) -> HttpResponse:
    if settings.OIDC_ONLY:  # what was made before is good for nothing: its account could not sign in
        raise Http404
    refused = too_many(request, "invitation") if request.method == "POST" else None
    if refused:
        return refused
    if "code" in request.POST:
        return _open(request)
    found = find_invitation(request.session.get(CODE, ""))
    if found is None:
        if request.session.pop(CODE, ""):  # it was open a moment ago
            messages.error(request, ENDED)
        return TemplateResponse(request, "accounts/invitation.html", {"form": CodeForm(), "asks_for_code": True})
    form = OwnAccountForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _make(request, form)
    given = [(role.name, allowance(role)) for role in found.roles.all()]
    return TemplateResponse(request, "accounts/invitation.html", {"form": form, "given": given})


def _open(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    if not form.is_valid():
        return TemplateResponse(request, "accounts/invitation.html", {"form": form, "asks_for_code": True})
    request.session[CODE] = form.cleaned_data["code"]
    return HttpResponseRedirect(reverse("account_invitation"))


def _make(request: HttpRequest, form: OwnAccountForm) -> HttpResponse:
    """Make the account and sign in to it: what can be opened then is the set-up of a second factor."""
    code = request.session.pop(CODE)
    try:
        user = take_invitation(code=code, user=form.save(commit=False), may_give=roles.may_give)
    except Conflict as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(reverse("account_invitation"))
    record_authentication(request, user, "password", reauthenticated=True)
    response: HttpResponse = perform_login(request, user, redirect_url=reverse("mfa_index"))
    return response

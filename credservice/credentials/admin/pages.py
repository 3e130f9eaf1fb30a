"""The console's pages about one credential: rotate, replace, reveal, revoke, force a stuck end."""

from datetime import timedelta
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from credservice.console.actor import actor_of
from credservice.console.bulk import BulkAction
from credservice.console.pages import ObjectPage, Shown
from credservice.console.password import PasswordPage
from credservice.console.switch import WhyForm
from credservice.console.widgets import span
from credservice.credentials.admin.values import ValuesForm
from credservice.credentials.models import Credential
from credservice.credentials.services import finish_issue, force_end, reveal, revoke, rotate

State = Credential.State


class RotateForm(ValuesForm):
    """The successor's values, where they are entered, and the predecessor's time."""

    def __init__(self, credential: Credential, data: Any = None) -> None:
        super().__init__(credential.policy, data)
        overlap = span(credential.policy.overlap)
        self.fields["overlap"] = forms.ChoiceField(
            label="The present credential stays good for",
            choices=(("policy", f"The policy's overlap: {overlap}"), ("none", "No time: it has leaked")),
            initial="policy",
            widget=UnfoldAdminRadioSelectWidget,
        )

    def overlap(self) -> timedelta | None:
        return timedelta(0) if self.cleaned_data["overlap"] == "none" else None


class Rotate(ObjectPage):
    """Of a policy whose issuer makes the values."""

    slug, title, icon = "rotate", "Rotate", "autorenew"
    permission = "rotate"
    variant = ActionVariant.PRIMARY
    generates = True

    def refusal(self, obj: Credential) -> str:
        if obj.state != State.ACTIVE:
            return f"Only an active credential can be rotated; this one is {obj.state}."
        if obj.policy.backend().generates != self.generates:
            return "The values of this policy's credentials come from elsewhere."
        return ""

    def consequences(self, obj: Credential) -> list[str]:
        return ["A successor is made, and handed out from then on. The present one ends after its overlap."]

    def make_form(self, request: HttpRequest, obj: Credential, data: Any = None) -> forms.Form:
        return RotateForm(obj, data)

    def perform(self, request: HttpRequest, obj: Credential, form: forms.Form) -> str:
        assert isinstance(form, RotateForm)
        actor = actor_of(request)
        successor = rotate(credential=obj, actor=actor, overlap=form.overlap(), entered=form.entered())
        transaction.on_commit(lambda: finish_issue(successor, actor=actor), robust=True)
        return f"The successor is {successor.pk}."


class Replace(Rotate):
    """Of a policy whose values are entered."""

    slug, title, icon = "replace", "Replace values", "edit_square"
    generates = False

    def consequences(self, obj: Credential) -> list[str]:
        return [
            "What you enter becomes the successor's values, and is handed out from now on. Every value is entered "
            "anew: the present ones are not shown.",
        ]


class Reveal(PasswordPage):
    slug, title, icon = "reveal", "Reveal", "visibility"
    variant = ActionVariant.WARNING
    permission = "credentials.reveal_credential"

    def refusal(self, obj: Credential) -> str:
        return "" if obj.sealed_values is not None else "This credential has no values."

    def consequences(self, obj: Credential) -> list[str]:
        return ["The values are shown once. That you saw them, and why, stays in the audit trail."]

    def perform(self, request: HttpRequest, obj: Credential, form: forms.Form) -> Shown:
        values = reveal(credential=obj, actor=actor_of(request), reason=form.cleaned_data["why"])
        sentence = "This page is shown once, and its showing is recorded. Close it when you are done."
        return Shown("Values of the credential", sentence, tuple(values.items()))


class RevokeForm(WhyForm):
    predecessors = forms.BooleanField(
        label="End its predecessors too",
        initial=True,
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Those of its line that are retiring. They are good until then, and are handed out in its place.",
    )


class Revoke(ObjectPage):
    slug, title, icon = "revoke", "Revoke", "block"
    permission = "revoke"
    variant = ActionVariant.DANGER
    form_class = RevokeForm
    consequence = "It is handed out no more, and ends. This cannot be undone."

    def refusal(self, obj: Credential) -> str:
        if obj.state not in Credential.UNENDED:
            return f"This credential is {obj.state} already."
        return "Its revocation is under way." if obj.is_ending() else ""

    def consequences(self, obj: Credential) -> list[str]:
        older = [
            f"Its predecessor {found.hint or found.pk} is good until {found.retires_at:%Y-%m-%d %H:%M} UTC: unless it "
            "is ended too, it is handed out again from now until then."
            for found in retiring_before(obj)
        ]
        return [self.consequence, *older]

    def make_form(self, request: HttpRequest, obj: Credential, data: Any = None) -> forms.Form:
        return RevokeForm(data) if retiring_before(obj) else WhyForm(data)

    def perform(self, request: HttpRequest, obj: Credential, form: forms.Form) -> str:
        ended = _revoke(request, obj, form)
        return "The credential is revoked." if ended.state == State.REVOKED else "The revocation is under way."


class ForceEnd(ObjectPage):
    slug, title, icon = "force-end", "Force its end", "warning"
    permission = "force"
    variant = ActionVariant.DANGER
    form_class = WhyForm

    def refusal(self, obj: Credential) -> str:
        return "" if obj.is_ending() and obj.is_stuck() else "Only a revocation that is stuck can be forced."

    def consequences(self, obj: Credential) -> list[str]:
        return [
            f"The issuer did not confirm the end in {obj.attempts} attempts: {obj.failure or 'no reason is known'}",
            "Forcing calls it ended. If it still works outside, nobody will try to end it again.",
        ]

    def perform(self, request: HttpRequest, obj: Credential, form: forms.Form) -> str:
        force_end(credential=obj, actor=actor_of(request), reason=form.cleaned_data["why"])
        return "The credential counts as ended."


def retiring_before(credential: Credential) -> list[Credential]:
    """Its predecessors that are still good, the newest first."""
    older = Credential.objects.filter(
        line=credential.line, state=State.RETIRING, created_at__lt=credential.created_at
    ).order_by("-created_at")
    return [found for found in older if found.is_usable()]


def _revoke(request: HttpRequest, obj: Credential, form: forms.Form) -> Credential:
    data = form.cleaned_data
    return revoke(
        credential=obj, actor=actor_of(request), reason=data["why"], predecessors=data.get("predecessors", False)
    )


revoke_all = BulkAction(
    "revoke",
    "Revoke",
    _revoke,
    consequence=f"For each of these: {Revoke.consequence[0].lower()}{Revoke.consequence[1:]}",
    done="Revoked, or on the way",
    form_class=RevokeForm,
    danger=True,
)

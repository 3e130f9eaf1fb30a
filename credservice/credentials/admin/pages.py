"""The console's pages about one credential: rotate, replace, reveal, revoke, force a stuck end."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from credservice.console.actor import actor_of
from credservice.console.approvals import required
from credservice.console.bulk import BulkAction, Values
from credservice.console.pages import ObjectPage, Shown
from credservice.console.password import PasswordPage
from credservice.console.second_person import SecondPerson
from credservice.console.switch import WhyForm
from credservice.console.widgets import ReasonField, span
from credservice.credentials import steps
from credservice.credentials.admin.values import ValuesForm
from credservice.credentials.models import Credential
from credservice.credentials.preview import counted, preview_rotation
from credservice.credentials.queue import enqueue
from credservice.credentials.services import finish_issue, force_end, reveal, revoke, rotate
from credservice.exceptions import Conflict

State = Credential.State


class RotateForm(ValuesForm):
    """The successor's values, where they are entered, and the predecessor's time."""

    def __init__(self, credential: Credential, data: Any = None) -> None:
        super().__init__(credential.policy, data)
        overlap = span(credential.policy.overlap)
        if credential.successors.filter(state=State.PENDING).exists():
            self.fields["force_reason"] = ReasonField(
                label="Why not wait for the rotation that is pending",
                required=False,
                help_text="With a reason, that one is abandoned and ended. Kept in the audit trail.",
            )
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
        return ["A successor is made, and handed out from then on.", *preview_rotation(obj).sentences()]

    def make_form(self, request: HttpRequest, obj: Credential, data: Any = None) -> forms.Form:
        return RotateForm(obj, data)

    def perform(self, request: HttpRequest, obj: Credential, form: forms.Form) -> str:
        assert isinstance(form, RotateForm)
        actor = actor_of(request)
        successor = rotate(
            credential=obj,
            actor=actor,
            overlap=form.overlap(),
            entered=form.entered(),
            force_reason=form.cleaned_data.get("force_reason", ""),
        )
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
            *preview_rotation(obj).sentences(),
        ]


class Reveal(SecondPerson, PasswordPage):
    slug, title, icon = "reveal", "Reveal", "visibility"
    variant = ActionVariant.WARNING
    permission = "credentials.reveal_credential"
    four_eyes = "reveal"

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
        reach = preview_rotation(obj).sentences()[:1] if obj.state == State.ACTIVE else []
        return [self.consequence, *reach, *older]

    def make_form(self, request: HttpRequest, obj: Credential, data: Any = None) -> forms.Form:
        return RevokeForm(data) if retiring_before(obj) else WhyForm(data)

    def perform(self, request: HttpRequest, obj: Credential, form: forms.Form) -> str:
        ended = _revoke(actor_of(request), obj, form.cleaned_data)
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


class RetryNow(ObjectPage):
    slug, title, icon = "retry", "Try again now", "refresh"
    permission = "force"

    def refusal(self, obj: Credential) -> str:
        under_way = obj.state == State.PENDING or obj.is_ending()
        return "" if under_way and obj.attempts else "Only what has failed and is still under way can be tried again."

    def consequences(self, obj: Credential) -> list[str]:
        return [
            f"{obj.attempts} attempts came to nothing: {obj.failure or 'no reason is known'}",
            "The worker asks the issuer once more, without waiting for the next time that is due.",
        ]

    def perform(self, request: HttpRequest, obj: Credential, form: forms.Form) -> str:
        enqueue("finish_issue" if obj.state == State.PENDING else "end", obj)
        steps.record_step("credential.retried", obj, actor_of(request))
        return "The worker tries it again now."


def _revoke(actor: str, obj: Credential, values: Values) -> Credential:
    return revoke(
        credential=obj, actor=actor, reason=values["why"], predecessors=bool(values.get("predecessors", False))
    )


def _rotate(actor: str, obj: Credential, values: Values) -> Credential:
    """What an outside issuer makes is made by the worker."""
    return rotate(credential=obj, actor=actor, overlap=timedelta(0) if values["overlap"] == "none" else None)


def _force_end(actor: str, obj: Credential, values: Values) -> object:
    if not obj.is_stuck():
        raise Conflict("Only a revocation that is stuck can be forced.")
    return force_end(credential=obj, actor=actor, reason=values["why"])


def _reach(credentials: Iterable[Credential]) -> list[str]:
    """What partners will notice: how many of what are handed these now."""
    handed: Counter[str] = Counter()
    for credential in credentials:
        handed.update(preview_rotation(credential).reach)
    told = ", ".join(counted(count, name) for name, count in handed.items() if count)
    return [f"Together they are handed to {told}." if told else "No installation or marketplace credential uses them."]


class RotateAllForm(forms.Form):
    overlap = forms.ChoiceField(
        label="The present ones stay good for",
        choices=(("policy", "Each for its policy's overlap"), ("none", "No time: they have leaked")),
        initial="policy",
        widget=UnfoldAdminRadioSelectWidget,
    )

    def clean_overlap(self) -> str:
        overlap: str = self.cleaned_data["overlap"]
        if overlap == "none" and required("bulk_revoke"):
            raise ValidationError(
                "That ends them all at once, which needs a second person: rotate them with an overlap, and revoke the "
                "old ones, which can be approved."
            )
        return overlap


revoke_all = BulkAction(
    "revoke",
    "Revoke",
    _revoke,
    consequence=f"For each of these: {Revoke.consequence[0].lower()}{Revoke.consequence[1:]}",
    done="Revoked, or on the way",
    permission="revoke",
    form_class=RevokeForm,
    danger=True,
    foretell=_reach,
    four_eyes="bulk_revoke",
)

rotate_all = BulkAction(
    "rotate",
    "Rotate",
    _rotate,
    consequence="For each of these a successor is made, and handed out from then on. Those whose values are entered by "
    "a person are left as they are.",
    done="Rotated, or on the way",
    permission="rotate",
    form_class=RotateAllForm,
    foretell=_reach,
)

force_all = BulkAction(
    "force_end",
    "Force the end",
    _force_end,
    consequence="Each of these that is stuck counts as ended. If one still works outside, nobody will try to end it "
    "again.",
    done="Counted as ended",
    permission="force",
    form_class=WhyForm,
    danger=True,
)

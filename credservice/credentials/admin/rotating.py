"""Rotates, replaces and reveals credentials on pages of the console."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget

from credservice.adminkit.four_eyes import SecondPerson
from credservice.adminkit.links import link_to
from credservice.adminkit.object_actions import ObjectAction, OfChoice, Shown, Values
from credservice.adminkit.reauthentication import SHOWN_ONCE, PasswordPage
from credservice.adminkit.widgets import ReasonField
from credservice.audit.names import actor_of
from credservice.core.time_spans import spoken
from credservice.credentials.admin.ending import Revoke, revoke_link
from credservice.credentials.admin.outside import (
    leaking_elsewhere,
    others_outside,
    outside,
    still_handed_out,
    still_works,
)
from credservice.credentials.admin.values import ValuesForm
from credservice.credentials.hooks import policy_of_successor
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.policy_impact import successor_differences
from credservice.credentials.rotation_impact import (
    RotationPreview,
    ends_first,
    preview_rotation,
    refusal_of_rotation,
)
from credservice.credentials.services import (
    finish_at_commit,
    reveal,
    rotate,
)

State = Credential.State


class RotateForm(ValuesForm):
    """The successor's values, where they are entered, and the predecessor's time."""

    def __init__(self, credential: Credential, data: Any = None) -> None:
        policy = policy_of_successor(credential)
        super().__init__(policy, data, whose=(credential.subject, credential.context.get("external_id", "")))
        if credential.waits_for_successor():
            self.fields["force_reason"] = ReasonField(
                label="Why not wait for the rotation that is pending",
                required=False,
                help_text="With a reason, that one is abandoned and ended. Kept in the audit trail.",
            )
        kept = () if credential.ends_when_followed() else (("policy", _kept(credential, policy)),)
        self.fields["overlap"] = forms.ChoiceField(
            label="The current credential",
            choices=(*kept, ("none", _at_once(credential, policy))),
            initial="policy" if credential.leaked_at is None else "none",
            widget=UnfoldAdminRadioSelectWidget,
        )
        self.fields["why"] = ReasonField(required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        return data if self.errors else data | {"entered": self.entered()}


def _kept(credential: Credential, policy: CredentialPolicy) -> str:
    if credential.state == State.RETIRING:
        return f"It ends as planned: {credential.retires_at:%Y-%m-%d %H:%M} UTC"
    return f"The policy's overlap: {spoken(policy.overlap)}"


def _at_once(credential: Credential, policy: CredentialPolicy) -> str:
    """Say what becomes of one that has leaked: "now" only where nothing has to be waited for."""
    if policy.backend().local or ends_first(credential, policy) or credential.state == State.RETIRING:
        return "Revoke now (leaked)"
    return "It has leaked: revoke it as soon as its successor is there"


class Rotate(ObjectAction):
    """Of a policy whose issuer makes the values."""

    slug, title, icon = "rotate", "Rotate", "autorenew"
    permission = "rotate"
    needs_proof = True
    variant = ActionVariant.PRIMARY
    consequence = "A successor is made, and handed out from then on."
    generates = True

    def refusal(self, obj: Credential) -> str:
        if refusal := refusal_of_rotation(obj):
            return f"{refusal} {_if_leaked(obj)}".strip()
        if policy_of_successor(obj).backend().generates != self.generates:
            return "The values of this policy's credentials come from elsewhere."
        return ""

    def consequences(self, obj: Credential) -> list[str]:
        policy = policy_of_successor(obj)
        other = f"What hands it out is on the policy {policy} now: so is the successor. This one is of {obj.policy}."
        foretold = _by_choice(preview_rotation(obj, policy=policy))
        # First what "it" is said of, then the successor.
        different = successor_differences(obj, policy) if obj.takes_successor() else []
        foretold += [OfChoice(line, "console-if-at-once") for line in leaking_elsewhere(obj)]
        return [*foretold, *outside(obj), self.consequence, *different, *([other] if policy != obj.policy else [])]

    def make_form(self, request: HttpRequest, obj: Credential, data: Any = None) -> forms.Form:
        return RotateForm(obj, data)

    def carry_out(self, request: HttpRequest, obj: Credential, values: Values) -> str:
        """Rotate, and have the issuer make the values at once; in bulk the worker does that."""
        actor = actor_of(request)
        successor = _rotate(actor, obj, values)
        finish_at_commit(successor, actor=actor)
        return format_html("The successor is {}.", link_to(successor, self.admin.object_title(successor)))

    def perform(self, actor: str, obj: Credential, values: Values) -> str:
        return f"The successor is {_rotate(actor, obj, values).pk}."

    def left_to_do(self, request: HttpRequest, obj: Credential) -> str:
        obj.refresh_from_db()
        if left := still_works(obj):
            return f"The one before has ended here. {left}{others_outside(obj)}"
        if not obj.is_leaked_and_live():
            return ""
        may = Revoke(self.admin).allowed(request, obj)
        return format_html("{} {}", still_handed_out(obj), revoke_link(obj, "Revoke it now") if may else "")


def _if_leaked(obj: Credential) -> str:
    """Say how a leak is reported of one that has ended."""
    is_to_be_told = obj.leaked_at is None and obj.activated_at is not None and not obj.is_usable()
    return "If it has leaked, report it as leaked." if is_to_be_told else ""


def _rotate(actor: str, obj: Credential, values: Values) -> Credential:
    return rotate(
        credential=obj,
        actor=actor,
        overlap=timedelta(0) if values["overlap"] == "none" else None,
        entered=values.get("entered"),
        force_reason=values.get("force_reason", ""),
        policy=policy_of_successor(obj),
        reason=values.get("why", ""),
    )


def _by_choice(foretold: RotationPreview) -> list[str]:
    """Tell what is so with the policy's overlap, and without one: each where it is chosen, and once what is in both."""
    kept, at_once = foretold.sentences(), replace(foretold, overlap=timedelta(0), leaked=True).sentences()
    lines = [line if line in at_once else OfChoice(line, "console-if-overlap") for line in kept]
    return [*lines, *(OfChoice(line, "console-if-at-once") for line in at_once if line not in kept)]


class Replace(Rotate):
    """Of a policy whose values are entered."""

    slug, title, icon = "replace", "Replace values", "edit_square"
    consequence = (
        "What you enter becomes the successor's values, and is handed out from now on. Every value is entered "
        "again: the current ones are not shown."
    )
    generates = False


class Reveal(SecondPerson, PasswordPage):
    slug, title, icon = "reveal", "Reveal", "visibility"
    variant = ActionVariant.WARNING
    permission = "credentials.reveal_credential"
    four_eyes = "reveal"
    consequence = "The values are shown once. Who saw them, and why, stays in the audit trail."

    def refusal(self, obj: Credential) -> str:
        if obj.is_erased():
            return "The values of this credential were erased after its end."
        return "" if obj.sealed_values is not None else "This credential has no values."

    def perform(self, actor: str, obj: Credential, values: Values) -> Shown:
        revealed = reveal(credential=obj, actor=actor, reason=values["why"])
        return Shown("Values of the credential", SHOWN_ONCE, tuple(revealed.items()))

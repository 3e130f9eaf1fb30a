"""Makes, ends and reveals signing secrets: the pages of what can be done with them in the console."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from credservice.adminkit.four_eyes import SecondPerson
from credservice.adminkit.links import page_of
from credservice.adminkit.object_actions import ObjectAction, Shown, Values
from credservice.adminkit.reauthentication import SHOWN_ONCE, PasswordPage
from credservice.adminkit.ticks import needed_tick
from credservice.adminkit.widgets import SecretField
from credservice.core.ago import ago
from credservice.keys.models import SigningSecret, SigningSecretSet
from credservice.keys.rotation_progress import Stage, signs_with, stage_at_end
from credservice.keys.services import enter_secret, generate_secret, retire_secret, reveal_secret

REVOKE_NOW = "0"
OVERLAPS = (
    ("86400", "24 hours: the platform changes to the new one meanwhile"),
    ("3600", "1 hour"),
    ("604800", "7 days"),
    (REVOKE_NOW, "Revoke now (leaked): every older secret ends at once"),
)
OUR_SOURCES = (("generate", "Generate one here, and give it to your receiver"), ("enter", "Enter one"))
OUR_OVERLAPS = (("86400", "24 hours: your receiver changes to the new one meanwhile"), *OVERLAPS[1:])

END_OLD = "End the old secret"


class NewSecretForm(forms.Form):
    source = forms.ChoiceField(
        label="The secret",
        choices=(("generate", "Generate one here, and paste it into the platform"), ("enter", "Enter the platform's")),
        initial="generate",
        widget=UnfoldAdminRadioSelectWidget,
    )
    text = SecretField(
        label="Secret to enter",
        required=False,
        help_text="At least 24 bytes of random text. Only Reveal shows it again.",
    )
    overlap = forms.ChoiceField(
        label="The current secret stays valid for",
        choices=OVERLAPS,
        initial=OVERLAPS[0][0],
        widget=UnfoldAdminRadioSelectWidget,
    )

    refuse = forms.BooleanField(
        label="Revoke them all the same",
        required=False,
        help_text="For Revoke now alone: the platform's calls are refused from then on, until it signs with the new "
        "secret.",
        widget=UnfoldBooleanWidget,
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "refuse" in self.fields and data.get("overlap") == REVOKE_NOW and not data.get("refuse"):
            self.add_error("refuse", "Nothing is ended yet. Let the secret stay valid for a while, or tick.")
        if data.get("source") == "enter" and not data.get("text"):
            self.add_error("text", "Enter the secret, or choose to generate one.")
        if data.get("source") == "generate" and data.get("text"):
            self.add_error("source", "A secret was entered as well. Choose to enter it, or leave its field empty.")
        return data


class NewSecret(ObjectAction):
    slug, title, icon = "new-secret", "New signing secret", "key"
    variant = ActionVariant.PRIMARY
    permission = "keys.add_signingsecret"
    needs_proof = True
    form_class = NewSecretForm

    def consequences(self, obj: SigningSecretSet) -> list[str]:
        if obj.is_ours:
            return ["What is sent from now on is signed with the new secret, and with the one before until its end."]
        if not obj.live().exists():
            return [f"{obj} has no signing secret yet: until it has one, its signed calls are refused."]
        return [
            "The new secret is the current one at once; the current one stays valid for as long as you choose.",
            *_signed_now(obj),
            "The platform's page shows when its calls are signed with the new one.",
        ]

    def make_form(self, request: HttpRequest, obj: SigningSecretSet, data: Any = None) -> forms.Form:
        form = super().make_form(request, obj, data)
        if obj.is_ours:
            form.fields["source"].choices = OUR_SOURCES  # type: ignore[attr-defined]
            form.fields["text"].help_text = "whsec_ and 24 to 64 random bytes in base64. Only Reveal shows it again."
            form.fields["overlap"].choices = OUR_OVERLAPS  # type: ignore[attr-defined]
        has_live = obj.live().exists()
        if not has_live:
            form.fields["overlap"].required = False
            form.fields["overlap"].widget = forms.HiddenInput()
        if obj.is_ours or not has_live:
            del form.fields["refuse"]
        return form

    def version(self, request: HttpRequest, obj: SigningSecretSet) -> str:
        """Tell whether another secret was made meanwhile: two who replace it at once would end each other's."""
        return str(obj.secrets.order_by("-created_at").values_list("pk", flat=True).first())

    def perform(self, actor: str, obj: SigningSecretSet, values: Values) -> str | Shown:
        overlap = timedelta(seconds=int(values["overlap"] or 0))
        if values["source"] == "enter":
            secret = enter_secret(secret_set=obj, text=values["text"], actor=actor, overlap=overlap)
            return f"The secret {secret.hint} is the current one."
        secret, text = generate_secret(secret_set=obj, actor=actor, overlap=overlap)
        place = "your receiver's" if obj.is_ours else "the platform's"
        sentence = f"Paste it into {place} settings now: it is shown again only by Reveal, with a reason."
        return Shown("New signing secret", sentence, ((f"Signing secret of {obj}", text),))

    def render(
        self, request: HttpRequest, obj: SigningSecretSet, template: str, context: dict[str, Any]
    ) -> HttpResponse:
        """Lead back to what the secrets belong to: its page says how far the rotation is."""
        owner = owner_of(obj)
        return super().render(request, obj, template, ({"home": page_of(owner)} if owner else {}) | context)


_AT_ITS_END = {
    Stage.UNUSED: f"{Stage.UNUSED} All of its calls would be refused.",
    Stage.BOTH: f"{Stage.BOTH} Calls that are signed with it would be refused.",
    Stage.CHANGED: f"{Stage.CHANGED} Only a process of the partner's that calls more rarely may still have it.",
}


def _signed_now(secret_set: SigningSecretSet) -> list[str]:
    """Tell which secret the partner signs with now, and what it would hit to revoke all that are good."""
    live = list(secret_set.live())
    used = signs_with(secret_set)
    told = f"Good now: {', '.join(f'{secret.hint} ({secret.state})' for secret in live)}."
    if used is None:
        return [f"{told} None had verified a call a minute ago. Revoke now ends all of them."]
    before = ""
    if used.state == SigningSecret.State.PREVIOUS:
        before = f" That is one before the current secret, and ends at {end_of(used)} whatever you choose here."
    return [
        f"{told} The platform signs with {used.hint}: {_last_call(used)}{before}",
        f"Revoke now ends all of them, {used.hint} too: every call of the platform is refused until it signs with the "
        "new secret.",
    ]


class Retire(ObjectAction):
    slug, title, icon = "retire", END_OLD, "block"
    permission = "retire"
    needs_proof = True
    variant = ActionVariant.DANGER

    def refusal(self, obj: SigningSecret) -> str:
        if obj.state == SigningSecret.State.RETIRED:
            return "This secret is retired already."
        if obj.state == SigningSecret.State.CURRENT:
            return "This is the current secret. Make a new one first; this one then becomes the previous one."
        return ""

    def consequences(self, obj: SigningSecret) -> list[str]:
        if obj.secret_set.is_ours:
            return ["From now on, nothing is signed with this secret."]
        stage = stage_at_end(obj)
        return [
            *([_AT_ITS_END[stage]] if stage else []),
            "From now on, what is signed with this secret is refused.",
            _last_call(obj),
        ]

    def make_form(self, request: HttpRequest, obj: SigningSecret, data: Any = None) -> forms.Form:
        """Ask for a tick while the partner's calls would be refused."""
        form = super().make_form(request, obj, data)
        if stage_at_end(obj) in (Stage.UNUSED, Stage.BOTH):
            form.fields["refuse"] = needed_tick(
                "End it all the same",
                help_text="The partner's calls are refused from then on, until it signs with the new secret alone.",
                missing="Nothing is ended yet. Wait until the partner has changed over, or tick.",
            )
        return form

    def perform(self, actor: str, obj: SigningSecret, values: Values) -> str:
        retire_secret(secret=obj, actor=actor)
        return f"The secret {obj.hint} is retired."


def not_changed_over(secrets: Iterable[SigningSecret]) -> list[str]:
    """Name, before several are ended, the partners whose calls would be refused."""
    behind = [secret for secret in secrets if stage_at_end(secret) in (Stage.UNUSED, Stage.BOTH)]
    names = sorted({str(secret.secret_set) for secret in behind})
    return [f"Not changed over to the new secret yet, so that calls are refused: {', '.join(names)}."] if names else []


def _last_call(secret: SigningSecret) -> str:
    """Tell whom the end of a secret would hit."""
    if secret.last_used_at is None:
        return "It had verified no call a minute ago."
    return f"It last verified a call {ago(secret.last_used_at)}, at {secret.last_used_at:%Y-%m-%d %H:%M} UTC."


class Reveal(SecondPerson, PasswordPage):
    slug, title, icon = "reveal", "Reveal", "visibility"
    variant = ActionVariant.WARNING
    permission = "keys.reveal_signingsecret"
    four_eyes = "reveal"
    consequence = "The secret is shown once. That you saw it, and why, stays in the audit trail."

    def refusal(self, obj: SigningSecret) -> str:
        return "The text of this secret was erased after its end." if obj.sealed is None else ""

    def perform(self, actor: str, obj: SigningSecret, values: Values) -> Shown:
        text = reveal_secret(secret=obj, actor=actor, reason=values["why"])
        return Shown("Signing secret", SHOWN_ONCE, ((f"{obj.secret_set}, {obj.hint}", text),))


def end_of(secret: SigningSecret) -> str:
    return f"{secret.ends_at:%Y-%m-%d %H:%M} UTC"


def owner_of(secret_set: SigningSecretSet) -> Any:
    """Find the row of a higher room, such as a platform, whose secrets these are."""
    relations = (relation for relation in SigningSecretSet._meta.related_objects if relation.one_to_one)
    return next((owner for one in relations if (owner := getattr(secret_set, one.name, None)) is not None), None)

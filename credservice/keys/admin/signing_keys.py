"""Makes, activates and retires the keys of our own tokens in the console, which never shows a private half."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from credservice.adminkit.labels import label
from credservice.adminkit.menu import Menu, Need
from credservice.adminkit.model_admin import ConsoleAdmin
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.ticks import needed_tick
from credservice.adminkit.widgets import SecondsField
from credservice.audit.names import actor_of
from credservice.keys.admin.reminding import needs_of
from credservice.keys.hooks import MAX_COUNTED, count_tokens
from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import (
    JWKS_MAX_AGE,
    PUBLISHED_BEFORE,
    activate_signing_key,
    generate_signing_key,
    keys_before,
    retire_signing_key,
)

State = SigningKey.State
MOST_BEFORE = timedelta(days=30)
CACHE = f"{JWKS_MAX_AGE.total_seconds() / 60:.0f} minutes"


# What becomes of a token whose key is retired.
NEXT = (
    "The next exchange makes a new one; who keeps one, such as a marketplace, is refused with it, and has to ask anew. "
    "Of very many, the worker ends the last ones within minutes."
)


def _counted(kids: Collection[str]) -> str:
    count = count_tokens(kids)
    return f"{count:,} or more" if count >= MAX_COUNTED else f"{count:,}"


def _live_tokens(keys: Iterable[SigningKey]) -> list[str]:
    """Say, before several are retired, how many tokens that ends."""
    live = _counted([key.kid for key in keys if key.state != State.CURRENT])
    return [] if live == "0" else [f"Live tokens of these: {live}. They are handed out no more. {NEXT}"]


class NewKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    leaked = forms.TypedChoiceField(
        label="The keys before",
        choices=(
            ("no", "Signs until then, and stays published until its last token has expired"),
            ("yes", "Revoke now (leaked): the new key signs at once"),
        ),
        initial="no",
        coerce=lambda text: text == "yes",
        widget=UnfoldAdminRadioSelectWidget,
    )
    refuse = forms.BooleanField(
        label="Revoke them all the same",
        required=False,
        help_text="For Revoke now alone: their live tokens are refused from then on.",
        widget=UnfoldBooleanWidget,
    )
    published_before = SecondsField(
        label="Published before it signs, for",
        least=JWKS_MAX_AGE.total_seconds(),
        most=MOST_BEFORE.total_seconds(),
        initial=PUBLISHED_BEFORE,
        help_text=f"What verifies our tokens may cache our key set for {CACHE}: it learns of the key in this time. The "
        "first key of an algorithm signs at once, and so does one in place of a leaked one.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        live = ", ".join(
            f"{_counted(kids)} of {algorithm}"
            for algorithm in SigningKey.Algorithm.values
            if (kids := [key.kid for key in keys_before(algorithm)])
        )
        self.fields["leaked"].help_text = (
            f"Live tokens now: {live or 'none'}. Revoked now, every token that they signed verifies no more once "
            f"caches are renewed, and is handed out no more. {NEXT} A key that is published and does not sign yet is "
            f"revoked as well. Whoever cached our key set does not know the new key for {CACHE}, and may refuse good "
            "tokens meanwhile."
        )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        kids = [key.kid for key in keys_before(data.get("algorithm", ""))] if data.get("leaked") else []
        if count_tokens(kids) and not data.get("refuse"):
            self.add_error("refuse", "No key is made yet. Let the keys before sign until their tokens expire, or tick.")
        return data


class Activate(ObjectAction):
    slug, title, icon = "activate", "Activate", "play_circle"
    permission = "activate"
    variant = ActionVariant.SUCCESS

    def consequences(self, obj: SigningKey) -> list[str]:
        told = ["New tokens are signed with this key. The key before stays published until its tokens have expired."]
        known = _known_from(obj)
        if known > timezone.now():
            told.append(
                f"It is published only since {_clock(obj.created_at)}: until {_clock(known)}, whoever cached our key "
                "set does not know it, and may refuse the tokens that it signs."
            )
        return told

    def make_form(self, request: HttpRequest, obj: SigningKey, data: Any = None) -> forms.Form:
        """Ask for a tick while there may be caches without the key."""
        form = super().make_form(request, obj, data)
        if _known_from(obj) > timezone.now():
            form.fields["refuse"] = needed_tick(
                "Activate it all the same",
                help_text="Good tokens may be refused until the caches are renewed.",
                missing=f"Nothing is changed yet. Wait until {_clock(_known_from(obj))}, or tick.",
            )
        return form

    def refusal(self, obj: SigningKey) -> str:
        return "" if obj.state == State.PENDING else f"Only a pending key can be activated; this one is {obj.state}."

    def perform(self, actor: str, obj: SigningKey, values: Values) -> str:
        activate_signing_key(key=obj, actor=actor)
        return "The key signs from now on."


class Retire(ObjectAction):
    slug, title, icon = "retire", "Retire", "block"
    permission = "retire"
    needs_proof = True
    variant = ActionVariant.DANGER

    def consequences(self, obj: SigningKey) -> list[str]:
        """Say what becomes of the tokens that it signed, with their number where there are any."""
        told = ["It is published no more: tokens that it signed verify no longer. Its private half is erased."]
        live = _counted([obj.kid])
        if live == "0":
            return [*told, "Live tokens of it: none."]
        return [*told, f"Live tokens of it: {live}. They are handed out no more. {NEXT}"]

    def make_form(self, request: HttpRequest, obj: SigningKey, data: Any = None) -> forms.Form:
        """Ask for a tick while there are live tokens of it."""
        form = super().make_form(request, obj, data)
        if count_tokens([obj.kid]):
            form.fields["refuse"] = needed_tick(
                "Retire it all the same",
                help_text="Its live tokens are refused from then on.",
                missing="Nothing is retired yet. Wait until its last token has expired, or tick.",
            )
        return form

    def refusal(self, obj: SigningKey) -> str:
        if obj.state == State.CURRENT:
            return "This is the current key. Make a new one first; this one then becomes the previous one."
        return "This key is retired already." if obj.state == State.RETIRED else ""

    def perform(self, actor: str, obj: SigningKey, values: Values) -> str:
        retire_signing_key(key=obj, actor=actor)
        return "The key is retired."


@admin.register(SigningKey)
class SigningKeyAdmin(ConsoleAdmin):
    menu = Menu("Keys", 52, "draw")
    about = "What our own tokens are signed with. The public halves are at /.well-known/jwks.json."
    empty_help = "The first token that an issuer signs makes the first key. You can also add one beforehand."
    needs_proof = True
    form = NewKeyForm
    object_pages = (Activate, Retire)
    bulk_actions = (
        Retire.bulk(
            done="Retired",
            consequence="Each of these is published no more: tokens that it signed verify no longer. A current one is "
            "left.",
            foretell=_live_tokens,
        ),
    )
    list_display = ("kid", "algorithm", "shown_state", "activates_at", "ends_at", "created_at")
    search_fields = ("kid",)
    search_help_text = "Key id"
    ordering = ("-created_at",)
    add_fieldsets = ((None, {"fields": ("algorithm", "leaked", "refuse", "published_before")}),)
    fields = ("kid", "algorithm", "shown_state", "public_jwk", "created_at", "activates_at", "activated_at", "ends_at")
    readonly_fields = ("shown_state", "public_jwk")

    def object_title(self, obj: SigningKey) -> str:
        return f"{obj.algorithm} {obj.kid[:8]}"

    def needs_operator(self) -> list[Need]:
        return needs_of(SigningKey)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """The service makes it, and writes the line."""
        data = form.cleaned_data
        made = generate_signing_key(
            algorithm=data["algorithm"],
            actor=actor_of(request),
            published_before=timedelta(seconds=data["published_before"]),
            leaked=data["leaked"],
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """See :meth:`save_model`."""

    @display(description="State")
    def shown_state(self, obj: SigningKey) -> Any:
        if obj.state != State.PENDING:
            return label(obj.state)
        return format_html("{} published, signs from {}", label(obj.state), _clock(obj.activates_at))


def _known_from(key: SigningKey) -> datetime:
    """Find the moment from which every cache of our key set has this key."""
    return key.created_at + JWKS_MAX_AGE


def _clock(at: datetime) -> str:
    """Write the time of today without its date."""
    return f"{at:%H:%M} UTC" if at.date() == timezone.now().date() else f"{at:%Y-%m-%d %H:%M} UTC"

"""Tells why a call's signature was refused, and the setting that would make it pass, with a button that sets it.

A call is picked from the platform's newest refused ones, or pasted. Never shown to the caller (protocol notes).
Whoever may look at the platform and the trail may look at what was recorded: secrets are tried, but nothing of them is
shown, nor of the call's headers. To paste a call, or to set something, needs the right to change the platform: what is
pasted is judged without a trace, by live and ended secrets. To look asks for no recent proof. To set something does.
"""

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from credservice.accounts.recent_proof import ask_for_proof, sent_too_late
from credservice.adminkit.form_ids import new_form_id, use_up
from credservice.adminkit.model_admin import by_id
from credservice.adminkit.object_pages import ObjectPage
from credservice.adminkit.ticks import needed_tick
from credservice.audit import Line, record
from credservice.audit.names import actor_of
from credservice.core.ago import ago
from credservice.core.exceptions import ServiceError
from credservice.crypto import SealError
from credservice.keys.admin import NewSecret, Reveal
from credservice.keys.models import SigningSecret, SigningSecretSet
from exchange.admin.pasted_calls import PastedForm
from exchange.models import Platform
from exchange.models.platforms import PROFILE
from exchange.models.refused_calls import RefusedCall
from exchange.services.signature_impact import (
    UNLESS_CHANGED,
    SignatureImpact,
    changed_since_last_use,
    foretell_refusals,
    too_early_to_tell,
)
from exchange.signatures.diagnosis import Diagnosis, diagnose
from exchange.signatures.verify import SIGNATURE_HEADER, Secret, SignedRequest, verify

_SALT = "exchange.debugger"
# What the trail calls a reason, for a person.
_REASONS = {
    "missing_signature": "The call carries no X-Signature.",
    "malformed_signature": "X-Signature has none of the forms that a signature may have.",
    "duplicated_header": "X-Signature came twice.",
    "missing_timestamp": "The timestamp is not where the profile says.",
    "timestamp_inside_signature": "The timestamp is inside X-Signature, not in a header of its own.",
    "malformed_timestamp": "The timestamp has none of the forms that we read.",
    "wrong_signature": "No secret makes this signature of this text.",
    "stale_timestamp": "The call is older than the tolerance allows.",
    "future_timestamp": "The call is further in the future than the tolerance allows.",
    "no_live_secret": "There is no live secret to check it with.",
    "unusable_target": "The request target is no path.",
}
_DIGEST = "64 hexadecimal digits, or 43 or 44 characters of base64, with or without sha256= before them"
_SIGNATURE = f"{_DIGEST}; or t=TIMESTAMP,v1=DIGEST"
# The header that a reason is about, and what it may be; the empty one is the timestamp's.
_FORMS = {
    "malformed_signature": (SIGNATURE_HEADER, _SIGNATURE),
    "duplicated_header": (SIGNATURE_HEADER, f"sent once: {_SIGNATURE}"),
    "timestamp_inside_signature": (SIGNATURE_HEADER, _DIGEST),
    "malformed_timestamp": (
        "",
        "seconds or milliseconds since 1970, an ISO 8601 time with its offset, or an HTTP date that ends in GMT",
    ),
}
_NOTHING_YET = f"Nothing is changed yet. {UNLESS_CHANGED} Then tick, to refuse what is signed as now."


class NotAccepted(Exception):
    """Calls that hold now may be refused by the wanted settings, and nobody has accepted that."""


class AcceptForm(forms.Form):
    """Asks for the tick beside the button, where calls that hold now may be refused by what it sets."""

    confirmed = needed_tick(
        "Set it and refuse calls that are signed as now",
        help_text="Nothing tells you who sent this call.",
        missing=_NOTHING_YET,
    )


class Check(NamedTuple):
    """One of the steps by which a call is judged. ``holds`` is None where an earlier one left nothing to look at."""

    name: str
    holds: bool | None
    detail: str


@dataclass(frozen=True)
class Explained:
    """One call with what is to be said of it."""

    request: SignedRequest
    call: RefusedCall | None  # None: pasted, and judged by the clock of now
    found: Diagnosis
    secrets: list[tuple[SigningSecret, bool]]
    token: str  # the settings to apply, signed; empty where none of ours would help
    tolerance: int
    missing: list[str]  # headers that the profile asks for
    timestamp_header: str  # that holds the timestamp
    impact: SignatureImpact | None  # what the settings to apply may have refused
    changed_at: datetime | None  # the profile, since a call held last
    too_early: str  # to tell whether calls hold with the profile

    @property
    def reason(self) -> str:
        reason = self.found.verdict.reason
        said = _REASONS.get(reason, reason.replace("_", " "))
        if not self.missing:
            return said
        absent = f"The call carries no {' and no '.join(self.missing)}."
        return absent if reason.startswith("missing_") else f"{said} {absent}"

    @property
    def malformed(self) -> str:
        """Say which header cannot be read, how long it is and what it may be; nothing of what it holds."""
        name, forms = _FORMS.get(self.found.verdict.reason, ("", ""))
        name = name or self.timestamp_header
        header = self.request.header(name)
        return f"{name} was sent with {len(header)} characters. It may be {forms}." if header and forms else ""

    @property
    def leave_it(self) -> list[str]:
        """Say why the fault may be this call's, where others hold with the settings of now."""
        return [self.impact.sentence(), f"This call may be the fault. {UNLESS_CHANGED}"] if self.impact else []

    @property
    def accept(self) -> AcceptForm | None:
        return AcceptForm() if self.impact else None

    @property
    def button(self) -> str:
        """Say what the button sets."""
        settings = self.found.settings.items()
        return f"Set {' and '.join(f'{_setting(name)} to {_value(name, value)}' for name, value in settings)}"

    @property
    def checks(self) -> list[Check]:
        """List what is looked at, in this order: the first that does not hold is why the call was refused."""
        seconds, is_signed = self.found.clock_difference, self.found.verdict.secret_id is not None
        if seconds is None:
            return [Check("Headers", False, self.reason), Check("Signature", None, ""), Check("Clock", None, "")]
        way = "behind" if seconds < 0 else "ahead of"
        clock = f"The timestamp was {abs(seconds):.0f} s {way} our clock; the tolerance is {self.tolerance} s."
        signature = "A live secret makes it of the text below." if is_signed else self.reason
        return [
            Check("Headers", True, "The signature and the timestamp can be read."),
            Check("Signature", is_signed, signature),
            Check("Clock", abs(seconds) <= self.tolerance, clock),
        ]

    @property
    def real_calls(self) -> str:
        """Say whether others of the platform's calls hold with the secrets of now: then a wrong one means little."""
        used = [(secret.last_used_at, secret) for secret, _ in self.secrets if secret.last_used_at is not None]
        if not used:
            return "No secret of now has verified a call yet (one shows within a minute): none is known to be right."
        at, newest = max(used, key=itemgetter(0))
        which = f"{'present' if newest.state == SigningSecret.State.CURRENT else newest.state} secret {newest.hint}"
        when = f"{ago(at)}, at {at:%Y-%m-%d %H:%M} UTC"
        held = f"Others have held: the {which} last verified a call {when}"
        if self.changed_at:
            return f"{held}. None has since the signature profile was changed {ago(self.changed_at)}."
        return f"{held}. {self.too_early or 'While such calls go on, leave it as it is.'}"

    @property
    def at_fault(self) -> Check | None:
        return next((check for check in self.checks if check.holds is False), None)


class SignatureDebugger(ObjectPage):
    slug, title, icon = "debugger", "Signature debugger", "bug_report"
    permission = "view"

    def allowed(self, request: HttpRequest, obj: Platform | None = None) -> bool:
        may_change = request.method != "POST" or self.may_change(request)
        return super().allowed(request, obj) and request.user.has_perm("audit.view_auditevent") and may_change

    def may_change(self, request: HttpRequest) -> bool:
        return bool(self.admin.has_change_permission(request))

    def refusal(self, obj: Platform) -> str:
        return "" if obj.require_signature else "This platform's calls are not signed."

    def answer(self, request: HttpRequest, obj: Platform) -> HttpResponse:
        if request.method == "POST" and "settings" in request.POST:
            elsewhere = ask_for_proof(request)
            return sent_too_late(request, elsewhere) if elsewhere else self._apply(request, obj)
        return self._show(request, obj)

    def _show(self, request: HttpRequest, obj: Platform) -> HttpResponse:
        pasted, explained = PastedForm(request.POST if request.method == "POST" else None), None
        try:
            explained = self._explained(request, obj, pasted)
        except SealError as error:
            messages.error(request, f"This cannot be explained: {error}.")
        context = {
            "title": self.title,
            "refusal": self.refusal(obj),
            "calls": [
                (call, call.reason.replace("_", " ")) for call in obj.refused_calls.order_by("-at") if opens(call)
            ],
            "form": pasted if self.may_change(request) else None,
            "form_id": new_form_id(request),
            "explained": explained,
            "new_secret": NewSecret(self.admin.admin_site._registry[SigningSecretSet]).link(request, obj.secrets),
            "reveal": self._reveal(request, obj),
        }
        return self.render(request, obj, "exchange/debugger.html", context)

    def _reveal(self, request: HttpRequest, obj: Platform) -> dict[str, Any] | None:
        """Find the way to the current secret's text; None where this user may not see it."""
        current = obj.secrets.live().filter(state=SigningSecret.State.CURRENT).first()
        page = Reveal(self.admin.admin_site._registry[SigningSecret])
        return page.link(request, current) if current is not None else None

    def _explained(self, request: HttpRequest, obj: Platform, pasted: PastedForm) -> Explained | None:
        """Explain the call that was pasted or chosen. Raises :class:`SealError` where something does not open.

        Of one that was pasted and cannot be read there is nothing to say, nor of the one that was chosen before it.
        """
        if pasted.is_bound:
            return explain(obj, pasted.cleaned_data["pasted"]) if pasted.is_valid() else None
        ids = by_id(request.GET.get("call", ""))
        call = next((obj.refused_calls.filter(q).first() for q in ids), None)
        return explain(obj, call.request, call) if call else None

    def _apply(self, request: HttpRequest, obj: Platform) -> HttpResponse:
        """Set what the diagnosis named. Everything else of the platform stays as it is."""
        try:
            changes = signing.loads(request.POST["settings"], salt=f"{_SALT}:{obj.pk}", max_age=3600)
            with transaction.atomic():
                use_up(request)
                applied = apply_settings(obj, changes, actor_of(request), accepted=AcceptForm(request.POST).is_valid())
        except NotAccepted:
            messages.error(request, _NOTHING_YET)
            return HttpResponseRedirect(request.get_full_path())  # of a call that was chosen: it is explained anew
        except (signing.BadSignature, ServiceError, ValidationError):
            messages.error(request, "This was not applied: the page was old, or the platform has changed. Look again.")
        else:
            messages.success(request, " ".join([*told(applied), "The platform's next call will be judged by it."]))
        return HttpResponseRedirect(self.url(obj))


def opens(call: RefusedCall) -> bool:
    """Tell if a call can be shown: not one that was given to another platform, or whose key is gone."""
    try:
        return bool(call.request)
    except SealError:
        return False


def explain(platform: Platform, request: SignedRequest, call: RefusedCall | None = None) -> Explained:
    """Judge ``request`` by the platform's profile and secrets of now, and the clock of when ``call`` came."""
    live = list(platform.secrets.live())
    ended = [secret for secret in platform.secrets.secrets.all() if secret not in live]
    now = call.at.timestamp() if call else time.time()
    found = diagnose(request, platform.profile, _opened(live), now, _opened(ended), settings.PUBLIC_URL)
    last_held = max((secret.last_used_at for secret in live if secret.last_used_at), default=None)
    since = changed_since_last_use(platform, last_held) if last_held else None
    early = too_early_to_tell(platform, last_held) if last_held else ""
    if since and last_held and not found.verdict.ok and not found.settings:
        found = _with_way_back(found, platform, platform.as_of(last_held), request, _opened(live), now)
    token = signing.dumps(dict(found.settings), salt=f"{_SALT}:{platform.pk}") if found.settings else ""
    secrets = [(secret, found.matches[secret.pk]) for secret in live]
    asked = (SIGNATURE_HEADER, platform.timestamp_header)
    missing = [name for name in asked if name and not request.header(name)]
    in_header = platform.timestamp_header or SIGNATURE_HEADER
    impact = foretell_refusals(platform, _with(platform, found.settings)) if found.settings else None
    tolerance = platform.tolerance_seconds
    return Explained(request, call, found, secrets, token, tolerance, missing, in_header, impact, since, early)


def _with_way_back(
    found: Diagnosis, platform: Platform, held: Platform, request: SignedRequest, live: list[Secret], now: float
) -> Diagnosis:
    """Offer the profile by which the last call held, where this one holds by it too: several settings may be wrong."""
    if not verify(request, held.profile, live, now).ok:
        return found
    names = [name for name in PROFILE if hasattr(held.profile, name) and getattr(held, name) != getattr(platform, name)]
    remedy = "Put back the signature profile with which calls have held."
    return replace(found, remedy=remedy, settings={name: getattr(held, name) for name in names})


def apply_settings(platform: Platform, wanted: dict[str, Any], actor: str, *, accepted: bool = False) -> dict[str, Any]:
    """Change these of the signature profile, with a line in the trail. Returns what changed.

    Raises ValidationError, and :class:`NotAccepted` where calls that hold now may be refused by it.
    """
    before = Platform.objects.select_for_update(of=("self",)).get(pk=platform.pk)
    platform = _with(before, wanted)
    changes = {name: {"from": getattr(before, name), "to": value} for name, value in wanted.items()}
    platform.full_clean()
    impact = foretell_refusals(before, platform)
    if impact and not accepted:
        raise NotAccepted
    platform.save(update_fields=list(wanted))
    detail = {"accepted_changed_answers": impact.counts()} if impact else {}
    about = {"changes": changes, "why": "signature debugger"} | detail
    record(Line.about(platform, "platform.changed", actor, about))
    return changes


def _with(platform: Platform, wanted: Mapping[str, Any]) -> Platform:
    """Copy the platform in memory, with the wanted settings."""
    changed = copy.copy(platform)
    for name, value in wanted.items():
        setattr(changed, name, value)
    return changed


def told(changes: dict[str, Any]) -> list[str]:
    """Say what was changed from what to what, and what a wider tolerance gives up."""
    lines = [
        f"The {_setting(name)} was {_value(name, change['from'])}, and is {_value(name, change['to'])} now."
        for name, change in changes.items()
    ]
    seconds = changes.get("tolerance_seconds", {"from": 0, "to": 0})
    if seconds["to"] > seconds["from"]:
        lines.append("A captured call can be replayed for longer now: set it back once the clocks are right.")
    return lines


def _setting(name: str) -> str:
    """Name a field of Platform as its form does; the tolerance's unit is with its value."""
    return str(Platform._meta.get_field(name).verbose_name).removesuffix(" seconds")  # type: ignore[union-attr]


def _value(name: str, value: Any) -> str:
    if name == "tolerance_seconds":
        return f"{value} s"
    if isinstance(value, bool):
        return "on" if value else "off"
    choices = dict(getattr(Platform._meta.get_field(name), "flatchoices", ()))
    return str(choices.get(value, value)) or "empty"


def _opened(secrets: list[SigningSecret]) -> list[Secret]:
    """Open what has not been erased."""
    return [Secret(cast(Any, secret.pk), secret.open()) for secret in secrets if secret.sealed is not None]

"""Rotates, replaces, reveals, revokes, retries and force-ends credentials on pages of the console."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from credservice.adminkit import menu
from credservice.adminkit.four_eyes import SecondPerson
from credservice.adminkit.links import link_to, names_of
from credservice.adminkit.object_actions import ObjectAction, OfChoice, Shown, Values
from credservice.adminkit.reauthentication import SHOWN_ONCE, PasswordPage
from credservice.adminkit.state_pages import OptionalWhyForm, WhyForm
from credservice.adminkit.widgets import ReasonField
from credservice.audit.names import actor_of
from credservice.core.exceptions import Conflict
from credservice.core.time_spans import spoken
from credservice.credentials.admin.values import ValuesForm
from credservice.credentials.hooks import policy_of_successor
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.policy_impact import successor_differences
from credservice.credentials.rotation_impact import (
    RotationPreview,
    counted,
    ends_first,
    handed_out_after,
    preview_rotation,
    reach_of,
    refusal_of_rotation,
    told_reach,
    unanswered_with,
)
from credservice.credentials.services import (
    confirm_end,
    finish_at_commit,
    force_end,
    retry_now,
    reveal,
    revoke,
    rotate,
)
from credservice.credentials.shared_values import LOOKED_AT, holders_elsewhere, shared_names, told_leaking

State = Credential.State
IF_LEAKED = " if it has leaked"
NAMED = 3  # of the credentials of other lines that have a value of one
END_IT_THERE = "It may still work in your product: end it there, then confirm its end here."


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
        self.fields["overlap"] = forms.ChoiceField(
            label="The current credential",
            choices=(("policy", _kept(credential, policy)), ("none", _at_once(credential, policy))),
            initial="policy",
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
    if policy.backend().local or ends_first(credential) or credential.state == State.RETIRING:
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
        foretold += [OfChoice(line, "console-if-at-once") for line in _leaking_elsewhere(obj)]
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
            return f"The one before has ended here. {left}{_others_outside(obj)}"
        if not obj.is_leaked_and_live():
            return ""
        may = Revoke(self.admin).allowed(request, obj)
        return format_html("{} {}", still_handed_out(obj), revoke_link(obj, "Revoke it now") if may else "")


def _if_leaked(obj: Credential) -> str:
    """Say how a leak is reported of one that takes no successor."""
    if obj.leaked_at is not None or obj.activated_at is None:
        return ""
    if obj.is_usable():
        return "If it has leaked, revoke it, and tick that."
    return "If it has leaked, report it as leaked."


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
    consequence = "The values are shown once. That you saw them, and why, stays in the audit trail."

    def refusal(self, obj: Credential) -> str:
        if obj.is_erased():
            return "The values of this credential were erased after its end."
        return "" if obj.sealed_values is not None else "This credential has no values."

    def perform(self, actor: str, obj: Credential, values: Values) -> Shown:
        revealed = reveal(credential=obj, actor=actor, reason=values["why"])
        return Shown("Values of the credential", SHOWN_ONCE, tuple(revealed.items()))


class RevokeForm(WhyForm):
    predecessors = forms.BooleanField(
        label="End its predecessors too",
        initial=True,
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Those of its line that are retiring. They are good until then, and are handed out in its place. If "
        "this one has leaked, those that have a value of it end in any case, and only those are marked as leaked.",
    )
    leaked = forms.BooleanField(
        label="It has leaked",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Its values are erased at once, instead of some time after its end. Somebody who pastes a leaked "
        "value into the search still finds the credential.",
    )
    ended_outside = forms.BooleanField(
        label="It has been ended in your product, too",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Tick it only when that is done. Otherwise it stays an open point on the overview, to confirm later.",
    )


class Revoke(ObjectAction):
    slug, title, icon = "revoke", "Revoke", "block"
    permission = "revoke"
    needs_proof = True
    variant = ActionVariant.DANGER
    form_class = RevokeForm
    consequence = "It is handed out no more, and ends. This cannot be undone."

    def refusal(self, obj: Credential) -> str:
        if obj.state not in Credential.UNENDED:
            return f"This credential is {obj.state} already."
        return "Its revocation is under way." if obj.is_ending() else ""

    def consequences(self, obj: Credential) -> list[str]:
        more = [*_left_to_the_active(obj), *_told_predecessors(obj), *told_leaking(obj, when=IF_LEAKED)]
        more += _leaking_elsewhere(obj, IF_LEAKED)
        return [self.consequence, told_reach(reach_of([obj])), *outside(obj), *more]

    def make_form(self, request: HttpRequest, obj: Credential, data: Any = None) -> forms.Form:
        form = RevokeForm(data)
        if not retiring_before(obj):
            del form.fields["predecessors"]
        if not obj.outlives_its_end() or obj.expiry_outside():
            del form.fields["ended_outside"]
        return form

    def perform(self, actor: str, obj: Credential, values: Values) -> str:
        names = ("predecessors", "leaked", "ended_outside")
        chosen = {name: bool(values.get(name, False)) for name in names}
        ended = revoke(credential=obj, actor=actor, reason=values["why"], **chosen)
        if ended.is_still_outside() or ended.works_until():
            return "It is revoked here."
        return "The credential is revoked." if ended.state == State.REVOKED else "The revocation is under way."

    def left_to_do(self, request: HttpRequest, obj: Credential) -> str:
        obj.refresh_from_db()
        if obj.is_ending():
            return "Until its issuer has ended it, it may still work in your product: this page shows when it has."
        return f"{still_works(obj)}{_others_outside(obj)}".strip()


class ReportLeak(Revoke):
    """Of one that has ended: what else has a value of it leaks with it all the same."""

    slug, title, icon = "report-leak", "Report as leaked", "gpp_maybe"
    consequence = (
        "That it has leaked is noted, with your name. Its values are erased at once, and refused wherever they are "
        "entered again."
    )

    def refusal(self, obj: Credential) -> str:
        if obj.state in Credential.UNENDED and not obj.is_ending():
            return f"This credential is {obj.state}: revoke it, and tick that it has leaked."
        if obj.leaked_at is not None:
            return "This credential is reported as leaked already."
        return "" if obj.activated_at is not None else "This credential never had values."

    def consequences(self, obj: Credential) -> list[str]:
        return [self.consequence, *told_leaking(obj), *_leaking_elsewhere(obj)]

    def make_form(self, request: HttpRequest, obj: Credential, data: Any = None) -> forms.Form:
        return WhyForm(data)

    def perform(self, actor: str, obj: Credential, values: Values) -> str:
        revoke(credential=obj, actor=actor, reason=values["why"], leaked=True)
        return "It is reported as leaked."


def still_works(obj: Credential) -> str:
    """Say of one that has ended here what its end does not reach."""
    if until := obj.works_until():
        return f"{_works_until(until)}, unless your product refuses it before."
    return still_in_use(obj) or (END_IT_THERE if obj.is_still_outside() else "")


def _others_outside(obj: Credential) -> str:
    """Say how many other versions of a line should be ended outside, such as those that leaked with this one."""
    others = Credential.objects.filter(line=obj.line, outside__in=Credential.STILL_OUTSIDE).exclude(pk=obj.pk)
    number = others.count()
    if not number:
        return ""
    it = "end it, and confirm its end" if number == 1 else "end them, and confirm their ends"
    return f" {counted(number, 'other versions')} of its line may still work in your product, too: {it}."


def still_in_use(obj: Credential) -> str:
    """Say of one that may still work outside what hands out values of it, of its line or another: those are to stay
    there."""
    in_line = Credential.objects.select_related("policy").filter(pk__in=[obj.shared_with] if obj.shared_with else [])
    elsewhere = list(islice(holders_elsewhere(obj, at_most=LOOKED_AT), NAMED)) if obj.may_be_confirmed() else []
    uses = [f"version {each.version_name()} still uses {_to_be_left(obj, each)}" for each in in_line]
    uses += [
        f"credential {title} still uses {_to_be_left(obj, each, 'credential')}"
        for title, each in zip(_titles(elsewhere), elsewhere, strict=True)
    ]
    if not uses:
        return ""
    first, *more = uses
    others = "".join(f"{each[0].upper()}{each[1:]}. " for each in more)
    other_values = "whatever else it has" if elsewhere else "its other values"  # which may be nothing
    return (
        f"It may still work in your product, but {first}. {others}End {other_values} there, then confirm its end here."
    )


def _leaking_elsewhere(obj: Credential, when: str = "") -> list[str]:
    """Say which credentials of other lines leak with it, and what becomes of them; ``when`` it has leaked, if that is
    yet to be said."""
    unmarked = (each for each in holders_elsewhere(obj, at_most=LOOKED_AT) if each.leaked_at is None)
    found = list(islice(unmarked, menu.MAX_COUNTED))
    if not found:
        return []
    one = len(found) == 1
    names = ", ".join(_titles(found[:NAMED])) + (" and others" if len(found) > NAMED else "")
    return [
        f"{menu.counted(len(found), 'other credential')} {'has' if one else 'have'} a value of it, and "
        f"{'is' if one else 'are'} marked as leaked{when}: {names}. "
        f"{'It is' if one else 'They are'} handed out until you rotate {'it' if one else 'them'} as leaked."
    ]


def _titles(credentials: Sequence[Credential]) -> list[str]:
    """Name them with their customers, as far as the reader may look at these."""
    names = names_of(f"credential:{each.pk}" for each in credentials)
    return [names.get(f"credential:{each.pk}", each.version_name()) for each in credentials]


def _to_be_left(obj: Credential, holder: Credential, noun: str = "version") -> str:
    """Name what the other one has of it, and say until when to leave that."""
    names = shared_names(obj, holder)
    what, those = (f"its {' and '.join(names)}", "that" if len(names) == 1 else "those") if names else ("", "those")
    return f"{what or 'values of it'}: leave {those} until that {noun} is replaced"


def _works_until(expiry: datetime) -> str:
    return f"It works until it expires, at {expiry:%Y-%m-%d %H:%M} UTC"


def still_handed_out(obj: Credential) -> str:
    """Say of one that has leaked what its end waits for."""
    if obj.waits_for_successor():
        return "The leaked one is not ended yet: it is still handed out until its successor is there."
    return "The leaked one is not ended: it is still handed out, and no successor is being made."


def revoke_link(obj: Credential, text: str) -> str:
    return format_html('<a class="text-link" href="{}">{}</a>', revoke_url(obj), text)


def revoke_url(obj: Credential) -> str:
    return reverse("admin:credentials_credential_revoke", args=[obj.pk])


def _told_predecessors(obj: Credential) -> Iterator[str]:
    """Say of each that is still good if it is handed out in place of one that ends, and who gets no answer then."""
    is_handed_out, since, last = bool(handed_out_after([obj])), "now", timezone.now()
    for found in retiring_before(obj):
        assert found.retires_at is not None  # it retires
        until = f"{found.retires_at:%Y-%m-%d %H:%M} UTC"
        good = f"Its predecessor {found.version_name()} is good until {until}"
        if not is_handed_out or found.retires_at <= last:
            yield f"{good}, unless it is ended too."
            continue
        lacks = unanswered_with({found.line: found}).sentence("It has")
        yield f"{good}: unless it is ended too, it is handed out again from {since} until then. {lacks}".rstrip()
        since, last = until, found.retires_at


def _left_to_the_active(obj: Credential) -> list[str]:
    """Tell which version goes on with values of a credential that ends, where that cannot be ended outside."""
    live = Credential.objects.sharing(obj).filter(state=State.ACTIVE).first() if outside(obj) else None
    return [f"In your product, version {live.version_name()} uses {_to_be_left(obj, live)}."] if live else []


def outside(obj: Credential) -> list[str]:
    """Tell what the end of a credential does not reach."""
    backend = obj.policy.backend()
    if backend.can_revoke:
        return []
    if expiry := obj.expiry_outside():
        return [f"{_works_until(expiry)}: nothing can end it before."]
    kept = "is kept here and was made elsewhere" if not backend.generates else "cannot be ended by its issuer"
    return [f"This credential {kept}: it works in your product until somebody ends it there."]


class ConfirmEnd(ObjectAction):
    slug, title, icon = "confirm-end", "Confirm its end", "task_alt"
    permission = "revoke"
    variant = ActionVariant.PRIMARY
    form_class = OptionalWhyForm
    consequence = (
        "Confirm this only when it has been ended in the product that takes it: the service cannot look there. Your "
        "name stays in the audit trail."
    )

    def consequences(self, obj: Credential) -> list[str]:
        until = obj.works_until()
        if until is None:
            return [*filter(None, [still_in_use(obj)]), self.consequence]
        return [
            f"{_works_until(until)}: then this point clears by itself.",
            "Confirm its end before only where your product refuses it already. Your name stays in the audit trail.",
        ]

    def refusal(self, obj: Credential) -> str:
        return "" if obj.may_be_confirmed() else "Nothing is known to be left of this credential outside."

    def perform(self, actor: str, obj: Credential, values: Values) -> str:
        confirm_end(credential=obj, actor=actor, reason=values.get("why", ""))
        return "Its end is confirmed."


class ForceEnd(ObjectAction):
    slug, title, icon = "force-end", "Force its end", "warning"
    permission = "force"
    variant = ActionVariant.DANGER
    form_class = WhyForm

    def refusal(self, obj: Credential) -> str:
        return "" if obj.is_ending() and obj.is_stuck() else "Only a revocation that is stuck can be forced."

    def consequences(self, obj: Credential) -> list[str]:
        return [
            f"The issuer did not confirm the end in {obj.attempts} attempts: {obj.failure or 'no reason is known'}",
            "Forcing calls it ended. If it still works outside, nobody will try to end it again: its state says "
            "force-ended, and it stays an open point on the overview until somebody confirms its end.",
        ]

    def perform(self, actor: str, obj: Credential, values: Values) -> str:
        if not obj.is_stuck():
            raise Conflict("Only a revocation that is stuck can be forced.")
        force_end(credential=obj, actor=actor, reason=values["why"])
        return "The credential counts as ended."


def retiring_before(credential: Credential) -> list[Credential]:
    """Find its predecessors that are still good, the newest first."""
    older = Credential.objects.filter(line=credential.line, state=State.RETIRING, created_at__lt=credential.created_at)
    return [found for found in older.select_related("policy").order_by("-created_at") if found.is_usable()]


class RetryNow(ObjectAction):
    slug, title, icon = "retry", "Try again now", "refresh"
    variant = ActionVariant.PRIMARY
    permission = "force"

    def refusal(self, obj: Credential) -> str:
        failed = obj.has_failed_so_far()
        return "" if failed else "Only what has failed and is still under way can be tried again."

    def consequences(self, obj: Credential) -> list[str]:
        return [
            f"{obj.attempts} attempts failed: {obj.failure or 'no reason is known'}",
            "The worker asks the issuer again now, and does not wait for the next attempt.",
        ]

    def perform(self, actor: str, obj: Credential, values: Values) -> str:
        retry_now(credential=obj, actor=actor)
        return "The worker tries it again now."

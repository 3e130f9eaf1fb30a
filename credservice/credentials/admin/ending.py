"""Revokes, confirms, retries and force-ends credentials on pages of the console."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldBooleanWidget

from credservice.adminkit.object_actions import ObjectAction, OfChoice, Values
from credservice.adminkit.state_pages import OptionalWhyForm, WhyForm
from credservice.core.exceptions import Conflict
from credservice.credentials.admin.outside import (
    leaking_elsewhere,
    others_outside,
    outside,
    still_in_use,
    still_works,
    to_be_left,
    told_expiry,
)
from credservice.credentials.models import Credential
from credservice.credentials.rotation_impact import (
    counted,
    handed_out_after,
    reach_of,
    told_reach,
    unanswered_with,
)
from credservice.credentials.services import (
    confirm_end,
    force_end,
    retry_now,
    revoke,
)
from credservice.credentials.shared_values import told_leaking

State = Credential.State
IF_LEAKED = " if it has leaked"


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
        more += leaking_elsewhere(obj, IF_LEAKED)
        reach = reach_of([obj])
        then = [OfChoice(line, "console-if-ended-too") if handed_out_after([obj]) else line for line in cut_off(reach)]
        return [self.consequence, told_reach(reach), *then, *outside(obj), *more]

    def make_form(self, request: HttpRequest, obj: Credential, data: Any = None) -> forms.Form:
        form = RevokeForm(data)
        if not retiring_before(obj):
            del form.fields["predecessors"]
        if not obj.outlives_its_end() or obj.expiry_outside():
            del form.fields["ended_outside"]
        return form

    def carry_out(self, request: HttpRequest, obj: Credential, values: Values) -> str:
        """Revoke it, and say who is left without an answer."""
        unanswered = cut_off(reach_of([obj]), "now")
        done = super().carry_out(request, obj, values)
        is_handed_out = Credential.objects.usable().filter(line=obj.line).exists()
        return str(done) if is_handed_out else " ".join([str(done), *unanswered])

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
        return f"{still_works(obj)}{others_outside(obj)}".strip()


def cut_off(reach: Mapping[str, int], when: str = "then") -> list[str]:
    """Say how many installations get no answer where nothing is handed out in place of what they are handed."""
    number = reach.get("installations", 0)
    gets = "gets" if number == 1 else "get"
    return [f"{counted(number, 'installations')} {gets} no answer {when}."] if number else []


def _left_to_the_active(obj: Credential) -> list[str]:
    """Tell which version goes on with values of a credential that ends, where that cannot be ended outside."""
    live = Credential.objects.sharing(obj).filter(state=State.ACTIVE).first() if outside(obj) else None
    return [f"In your product, version {live.version_name()} uses {to_be_left(obj, live)}."] if live else []


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


def retiring_before(credential: Credential) -> list[Credential]:
    """Find its predecessors that are still good, the newest first."""
    older = Credential.objects.filter(line=credential.line, state=State.RETIRING, created_at__lt=credential.created_at)
    return [found for found in older.select_related("policy").order_by("-created_at") if found.is_usable()]


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
        return [self.consequence, *told_leaking(obj), *leaking_elsewhere(obj)]

    def make_form(self, request: HttpRequest, obj: Credential, data: Any = None) -> forms.Form:
        return WhyForm(data)

    def perform(self, actor: str, obj: Credential, values: Values) -> str:
        revoke(credential=obj, actor=actor, reason=values["why"], leaked=True)
        return "It is reported as leaked."


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
            f"{told_expiry(until)}: then this point clears by itself.",
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


def revoke_link(obj: Credential, text: str) -> str:
    return format_html('<a class="text-link" href="{}">{}</a>', revoke_url(obj), text)


def revoke_url(obj: Credential) -> str:
    return reverse("admin:credentials_credential_revoke", args=[obj.pk])

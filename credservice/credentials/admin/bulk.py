"""Rotates, revokes and force-ends many credentials of the console's list."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget

from credservice.adminkit.approvals import required
from credservice.adminkit.widgets import ReasonField
from credservice.credentials.admin.ending import ConfirmEnd, ForceEnd, Revoke, cut_off, retiring_before
from credservice.credentials.admin.rotating import Rotate
from credservice.credentials.hooks import policy_of_successor
from credservice.credentials.models import Credential
from credservice.credentials.rotation_impact import (
    REVOKE_INSTEAD,
    counted,
    failing_issuers,
    handed_out_after,
    reach_of,
    told_reach,
    unanswered_with,
)
from credservice.credentials.shared_values import leaking_with

ELSEWHERE = (
    "If these have leaked, credentials of other lines that have a secret of them are marked as leaked, too: the page "
    "of each names them."
)


def _rotation(credentials: Iterable[Credential]) -> list[str]:
    """Foretell how many are handed these now, and which successors will be long in coming."""
    chosen = list(credentials)
    failing = ", ".join(failing_issuers(policy_of_successor(each).issuer for each in chosen))
    told = [told_reach(reach_of(chosen), of="Together they are")]
    if not required("bulk_revoke"):
        told += [*_leaking(leaking_with(chosen), " if these have leaked"), ELSEWHERE]
    if not failing:
        return told
    late = (
        f"Issuers that fail right now: {failing}. Until they work again there is no successor, and the current one is "
        f"handed out, leaked or not. {REVOKE_INSTEAD}"
    )
    return [*told, late]


def _revocation(credentials: Iterable[Credential]) -> list[str]:
    """Foretell how many are handed these now, and get no answer then, and what ends besides."""
    chosen = {each.pk: each for each in credentials}
    leaking = leaking_with(chosen.values())
    older = {found.pk for each in chosen.values() for found in retiring_before(each)} - chosen.keys()
    older -= {found.pk for found in leaking}
    reach, after = reach_of(chosen.values()), handed_out_after(chosen.values())
    where = "Where nothing else of its line is handed out: " if after else ""
    then = [f"{where}{line}" for line in cut_off(reach)]
    told = [told_reach(reach, of="Together they are"), *then, *_leaking(leaking, " if these have leaked"), ELSEWHERE]
    if older:
        number, are = counted(len(older), "retiring predecessors"), "is" if len(older) == 1 else "are"
        told.append(
            f"{number} of these {are} still good: ended too where that is ticked below, and not marked as leaked."
        )
    unanswered = unanswered_with(after)
    lacking = unanswered.sentence("Unless they end too, predecessors are handed out that have")
    return [*told, *filter(None, [lacking])]


def _leaking(found: Iterable[Credential], when: str) -> list[str]:
    """Say how many other versions have a value of these, and what becomes of them."""
    tally = Counter(each.state == Credential.State.ACTIVE for each in found)
    fates = {False: ("ends with them", "end with them"), True: ("is marked as leaked", "are marked as leaked")}
    return [
        f"{counted(number, 'other versions')} {'has' if number == 1 else 'have'} a value of these, and "
        f"{fates[is_active][number > 1]}{when}."
        for is_active, number in sorted(tally.items())
    ]


def _confirmation(credentials: Iterable[Credential]) -> list[str]:
    """Foretell which should not have been ended outside as a whole; of other lines, only the pages open them."""
    number = Credential.objects.filter(pk__in=[each.pk for each in credentials]).in_use().count()
    told = f"Of {number} of these, leave the values that another version still uses: as its page names them."
    elsewhere = "Other credentials may use values of these, too: look at the page of each, which names them."
    return [told, elsewhere] if number else [elsewhere]


class RotateAllForm(forms.Form):
    overlap = forms.ChoiceField(
        label="The current ones",
        choices=(
            ("policy", "Each stays valid for its policy's overlap"),
            ("none", "They have leaked: revoke each as soon as its successor is there"),
        ),
        initial="policy",
        widget=UnfoldAdminRadioSelectWidget,
    )
    why = ReasonField(required=False)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        if required("bulk_revoke"):
            overlap: Any = self.fields["overlap"]
            overlap.choices = overlap.choices[:1]
            overlap.help_text = overlap.error_messages["invalid_choice"] = (
                "If they have leaked: to end them all at once needs a second person. Rotate them with the overlap, and "
                "revoke the old ones, which can be approved."
            )


revoke_all = Revoke.bulk(
    consequence=f"For each of these: {Revoke.consequence[0].lower()}{Revoke.consequence[1:]}",
    done="Revoked, or on the way",
    foretell=_revocation,
    four_eyes="bulk_revoke",
    order="created_at",  # one that is ticked ends for what was said of it, and not with its successor
)

rotate_all = Rotate.bulk(
    consequence="For each of these a successor is made, and handed out from then on.",
    done="Rotated, or on the way",
    form_class=RotateAllForm,
    foretell=_rotation,
)

force_all = ForceEnd.bulk(
    title="Force the end",
    consequence="Each of these that is stuck counts as ended. If one still works outside, nobody will try to end it "
    "again.",
    done="Counted as ended",
)

confirm_all = ConfirmEnd.bulk(
    title="Confirm their end",
    consequence="Confirm this only when each of these has been ended in the product that takes it: the service cannot "
    "look there.",
    done="Confirmed",
    foretell=_confirmation,
)

"""Rotates, revokes and force-ends many credentials of the console's list."""

from collections.abc import Iterable

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminRadioSelectWidget

from credservice.adminkit.approvals import required
from credservice.adminkit.widgets import ReasonField
from credservice.credentials.admin.pages import ConfirmEnd, ForceEnd, Revoke, Rotate
from credservice.credentials.models import Credential
from credservice.credentials.rotation_impact import reach_of, told_reach


def _reach(credentials: Iterable[Credential]) -> list[str]:
    """Foretell what partners will notice: how many of what are handed these now."""
    return [told_reach(reach_of(credentials), of="Together they are")]


class RotateAllForm(forms.Form):
    overlap = forms.ChoiceField(
        label="The current ones stay valid for",
        choices=(("policy", "Each for its policy's overlap"), ("none", "Revoke now (leaked)")),
        initial="policy",
        widget=UnfoldAdminRadioSelectWidget,
    )
    why = ReasonField(required=False)

    def clean_overlap(self) -> str:
        overlap: str = self.cleaned_data["overlap"]
        if overlap == "none" and required("bulk_revoke"):
            raise ValidationError(
                "That ends them all at once, which needs a second person: rotate them with an overlap, and revoke the "
                "old ones, which can be approved."
            )
        return overlap


revoke_all = Revoke.bulk(
    consequence=f"For each of these: {Revoke.consequence[0].lower()}{Revoke.consequence[1:]}",
    done="Revoked, or on the way",
    foretell=_reach,
    four_eyes="bulk_revoke",
)

rotate_all = Rotate.bulk(
    consequence="For each of these a successor is made, and handed out from then on.",
    done="Rotated, or on the way",
    form_class=RotateAllForm,
    foretell=_reach,
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
)

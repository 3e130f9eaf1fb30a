"""Makes a platform's passwords in the console, shows each once, and ends them."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from credservice.adminkit.cards import ROWS, Card, cards
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_url
from credservice.adminkit.menu import Menu
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly, by_id
from credservice.adminkit.moments import moment
from credservice.adminkit.object_actions import ObjectAction, Shown, Values
from credservice.adminkit.ticks import needed_tick
from credservice.core.last_used import NONE_YET
from credservice.keys.admin.pages import OVERLAPS as SECRET_OVERLAPS
from provisioning.models import Marketplace
from provisioning.osb import PROTOCOL
from provisioning.osb.models import BrokerPassword
from provisioning.osb.passwords import (
    DEFAULT_OVERLAP,
    digest_of,
    end_password,
    ended_by_a_new_one,
    foretell_end,
    make_password,
)

OVERLAPS = (*SECRET_OVERLAPS[:-1], ("0", "Revoke now (leaked): every older password ends at once"))


class NewPasswordForm(forms.Form):
    overlap = forms.ChoiceField(
        label="The current password stays valid for",
        choices=OVERLAPS,
        initial=OVERLAPS[0][0],
        widget=UnfoldAdminRadioSelectWidget,
    )
    refuse = forms.BooleanField(
        label="End it all the same",
        required=False,
        help_text="Where one ends at once that the platform uses: its calls are refused until it has the new one.",
        widget=UnfoldBooleanWidget,
    )
    marketplace: Marketplace

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "refuse" in self.fields and "overlap" in data and not data.get("refuse"):
            overlap = timedelta(seconds=int(data["overlap"]))
            if told := foretell_end(ended_by_a_new_one(self.marketplace, overlap)):
                self.add_error("refuse", f"Nothing is ended yet. {told} To go on, tick.")
        return data


class NewPassword(ObjectAction):
    slug, title, icon = "new-password", "New password", "password"
    permission = "osb.add_brokerpassword"
    needs_proof = True
    form_class = NewPasswordForm

    def refusal(self, obj: Marketplace) -> str:
        return "" if obj.protocol_name == PROTOCOL else "This marketplace's protocol knows no passwords."

    def consequences(self, obj: Marketplace) -> list[str]:
        return [
            "A password of 32 random bytes is made and shown once. Two let the platform in at most: one that was "
            "still valid beside the current one ends now.",
            *_told(ended_by_a_new_one(obj, DEFAULT_OVERLAP)),
        ]

    def make_form(self, request: HttpRequest, obj: Marketplace, data: Any = None) -> forms.Form:
        form = super().make_form(request, obj, data)
        assert isinstance(form, NewPasswordForm)
        form.marketplace = obj
        if not foretell_end(ended_by_a_new_one(obj, timedelta(0))):
            del form.fields["refuse"]
        return form

    def version(self, request: HttpRequest, obj: Marketplace) -> str:
        """Tell whether another password was made meanwhile: two who replace it at once would end each other's."""
        newest = BrokerPassword.objects.filter(marketplace=obj).order_by("-created_at")
        return str(newest.values_list("pk", flat=True).first())

    def perform(self, actor: str, obj: Marketplace, values: Values) -> Shown:
        _, text = make_password(marketplace=obj, actor=actor, overlap=timedelta(seconds=int(values["overlap"])))
        return Shown(
            "New password",
            "Enter these at the platform now: the password is not shown again.",
            (("Broker URL", obj.protocol.address), ("User", obj.name), ("Password", text)),
        )


class EndPassword(ObjectAction):
    slug, title, icon = "end", "End", "block"
    permission = "end"
    needs_proof = True
    variant = ActionVariant.DANGER
    consequence = "From now on, what is sent with this password is refused. This cannot be undone."

    def refusal(self, obj: BrokerPassword) -> str:
        return "This password has ended already." if _has_ended(obj) else ""

    def consequences(self, obj: BrokerPassword) -> list[str]:
        return [self.consequence, *_told(_alone(obj))]

    def make_form(self, request: HttpRequest, obj: BrokerPassword, data: Any = None) -> forms.Form:
        """Ask for a tick where the platform uses it."""
        form = super().make_form(request, obj, data)
        if foretell_end(_alone(obj)):
            form.fields["refuse"] = needed_tick(
                "End it all the same",
                help_text="The platform's calls with it are refused from then on.",
                missing="Nothing is ended yet. Wait until the platform has another one, or tick.",
            )
        return form

    def perform(self, actor: str, obj: BrokerPassword, values: Values) -> str:
        end_password(password=obj, actor=actor)
        return "The password is ended."


@admin.register(BrokerPassword)
class BrokerPasswordAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Provisioning", 32, "password", "Platform passwords")
    about = "Passwords of Open Service Broker platforms. Only keyed digests are kept; hints tell them apart."
    empty_help = "Make one on the page of a marketplace that speaks Open Service Broker."
    keyset = ("created_at", "pk")
    object_pages = (EndPassword,)
    list_display = ("hint", "marketplace", "shown_state", "created_at", "ends_at", "last_use")
    list_select_related = ("marketplace",)
    list_filter = (("marketplace", AutocompleteSelectFilter),)
    search_help_text = "Hint, or our id"
    by_text = ("digest", digest_of)
    fields = ("hint", "marketplace", "shown_state", "created_at", "ends_at", "last_use")
    readonly_fields = ("shown_state", "last_use")

    def find(self, term: str) -> list[Q]:
        return [Q(hint=term), *by_id(term)]

    @display(description="State")
    def shown_state(self, obj: BrokerPassword) -> Any:
        return label(_state(obj))

    @display(description="Last used")
    def last_use(self, obj: BrokerPassword) -> Any:
        return moment(obj.last_used_at, NONE_YET)


@cards(Marketplace)
def of_a_marketplace(obj: Marketplace) -> Iterator[Card]:
    if obj.protocol_name != PROTOCOL:
        return
    found = BrokerPassword.objects.filter(marketplace=obj).order_by("-created_at")[:ROWS]
    heads = ("Password", "State", "Created", "Ends", "Last used")
    link = list_url(BrokerPassword, marketplace__id__exact=obj.pk)
    yield Card("Passwords", heads, found, _password, link, "None: without one, everything it sends is refused.")


def _password(row: BrokerPassword) -> Sequence[object]:
    dates = moment(row.created_at), moment(row.ends_at), moment(row.last_used_at, NONE_YET)
    return link_to(row, row.hint), label(_state(row)), *dates


def _alone(row: BrokerPassword) -> QuerySet[BrokerPassword]:
    return BrokerPassword.objects.live().filter(pk=row.pk)


def _told(passwords: QuerySet[BrokerPassword]) -> list[str]:
    told = foretell_end(passwords)
    return [told] if told else []


def _state(row: BrokerPassword) -> str:
    return "ended" if _has_ended(row) else "current" if row.ends_at is None else "previous"


def _has_ended(row: BrokerPassword) -> bool:
    return row.ends_at is not None and row.ends_at <= timezone.now()

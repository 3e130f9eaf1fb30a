"""Lists end users that MindCloud may or may not have created, and settles which."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from credservice.adminkit.four_eyes import SecondPerson
from credservice.adminkit.labels import label
from credservice.adminkit.menu import RARE, Menu, Need, counted
from credservice.adminkit.model_admin import ConsoleAdmin, ReadOnly
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.state_pages import WhyForm
from credservice.adminkit.widgets import CharField
from exchange.mindcloud.services import settle_created, settle_not_created
from exchange.models import MAX_ID, EndUser, UnsettledEndUser


class CreatedForm(WhyForm):
    end_user_id = CharField(
        label="userId at MindCloud",
        max_length=MAX_ID,
        help_text="As MindCloud shows it, such as enduser_456def.",
        widget=UnfoldAdminTextInputWidget(),
    )
    field_order = ("end_user_id", "why")


class SettleCreated(SecondPerson):
    """Says which customer a user of MindCloud's is: as much as a re-binding does."""

    slug, title, icon = "created", "It was created", "check_circle"
    permission = "exchange.rebind_enduser"
    needs_proof = True
    four_eyes = "reveal"
    variant = ActionVariant.SUCCESS
    form_class = CreatedForm
    leads_to_list = True

    def consequences(self, obj: UnsettledEndUser) -> list[str]:
        return [f"{obj.external_id} is the end user with this userId from now on."]

    def form_to_ask(self, request: HttpRequest, obj: UnsettledEndUser, data: Any = None) -> forms.Form:
        return CreatedForm(data)

    def perform(self, actor: str, obj: UnsettledEndUser, values: Values) -> str:
        settle_created(intent=obj, end_user_id=values["end_user_id"], actor=actor, reason=values["why"])
        return f"{obj.external_id} is registered."


class SettleNotCreated(ObjectAction):
    slug, title, icon = "not-created", "It was not created", "block"
    permission = "settle"
    variant = ActionVariant.DANGER
    form_class = WhyForm
    leads_to_list = True

    def consequences(self, obj: UnsettledEndUser) -> list[str]:
        return [
            "The next request for a token creates it at MindCloud.",
            "Look there first: MindCloud creates another user for each request, even for the same externalId.",
        ]

    def perform(self, actor: str, obj: UnsettledEndUser, values: Values) -> str:
        settle_not_created(intent=obj, actor=actor, reason=values["why"])
        return f"{obj.external_id} may be created again."


@admin.register(UnsettledEndUser)
class UnsettledEndUserAdmin(ReadOnly, ConsoleAdmin):
    menu = Menu(RARE, 81, "person_alert")
    about = "End users that MindCloud was asked to create, and whose answer was lost. They are never created twice."
    empty_help = "Nothing is unsettled: every end user that MindCloud was asked to create has its id here."
    object_pages = (SettleCreated, SettleNotCreated)
    list_display = ("external_id", "platform", "shown_state", "why", "sent_at")
    list_select_related = ("platform",)
    search_fields = ("external_id",)
    search_help_text = "Your own id of the end user"
    ordering = ("-created_at",)
    fields = ("external_id", "platform", "name", "shown_state", "why", "sent_at", "created_at")
    readonly_fields = ("shown_state",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return _open(super().get_queryset(request))

    def needs_operator(self) -> list[Need]:
        number = _open(UnsettledEndUser.objects.all()).exclude(why="").count()
        sentence = f"{counted(number, 'end user')} that MindCloud may have created"
        return [Need(sentence)] if number else []

    @display(description="State")
    def shown_state(self, obj: UnsettledEndUser) -> Any:
        return label("failed" if obj.why else "pending")


def _open(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Leave out those that were registered by other ways since."""
    known = EndUser.objects.filter(platform=OuterRef("platform"), external_id=OuterRef("external_id"))
    return rows.filter(~Exists(known))

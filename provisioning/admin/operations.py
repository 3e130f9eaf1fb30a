"""Shows slow work: how far it is, and to end it with a reason."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit.filters import StatesFilter
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to
from credservice.adminkit.menu import MAX_COUNTED, Menu, Need, counted
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly, by_id
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.state_pages import WhyForm
from provisioning.models import Operation
from provisioning.services.operation_worker import STUCK_AFTER, give_up


class GiveUp(ObjectAction):
    slug, title, icon = "give-up", "Give up", "cancel"
    permission = "settle"
    variant = ActionVariant.DANGER
    form_class = WhyForm

    def refusal(self, obj: Operation) -> str:
        return "" if obj.is_live() else "This operation has ended already."

    def consequences(self, obj: Operation) -> list[str]:
        return [
            "The marketplace is told that it failed. What your endpoint or the issuer has begun, it may still do.",
            "A resource that was being provisioned is gone with it, and its id is not used again."
            if obj.verb == Operation.Verb.PROVISION and not obj.resource_credential_id
            else "The marketplace may ask for it again.",
        ]

    def perform(self, actor: str, obj: Operation, values: Values) -> str:
        give_up(operation=obj, actor=actor, reason=values["why"])
        return "The operation is given up, and the marketplace is told."


STUCK = Q(state__in=Operation.LIVE, attempts__gte=STUCK_AFTER)


class StateFilter(StatesFilter):
    groups: ClassVar = {"stuck": STUCK}


@admin.register(Operation)
class OperationAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Provisioning", 38, "pending_actions")
    about = "Orders that take longer than a request: what the worker does, and what came of it."
    empty_help = "They come with a marketplace's orders of a product whose work is slow."
    object_pages = (GiveUp,)
    list_display = ("__str__", "shown_state", "resource", "failure", "created_at")
    list_select_related = ("resource", "resource_credential")
    list_filter = (StateFilter, ("verb", ChoicesDropdownFilter))
    search_help_text = "The marketplace's resource id, or our id"
    fieldsets = (
        (None, {"fields": ("verb", "shown_state", "message", "shown_resource", "shown_credential")}),
        ("To change to", {"fields": ("plan", "features")}),
        ("Attempts", {"fields": ("attempts", "next_attempt_at", "failure")}),
        ("Dates", {"fields": ("created_at", "finished_at")}),
    )
    readonly_fields = ("shown_state", "shown_resource", "shown_credential")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only a change of the plan changes to something."""
        changes = obj is not None and obj.verb == Operation.Verb.CHANGE_PLAN
        found = super().get_fieldsets(request, obj)
        return [entry for entry in found if changes or entry[0] != "To change to"]

    def find(self, term: str) -> list[Q]:
        return [Q(resource__partner_id=term), *by_id(term)]

    def needs_operator(self) -> list[Need]:
        stuck = Operation.objects.filter(STUCK)[:MAX_COUNTED].count()
        sentence = f"{counted(stuck, 'operation')} stuck: attempts come to nothing"
        return [Need(sentence, {"state__exact": "stuck"}, urgent=True)] if stuck else []

    @display(description="State")
    def shown_state(self, obj: Operation) -> Any:
        return label("stuck" if obj.is_live() and obj.attempts >= STUCK_AFTER else obj.state)

    @display(description="Resource")
    def shown_resource(self, obj: Operation) -> Any:
        return link_to(obj.resource)

    @display(description="Credential")
    def shown_credential(self, obj: Operation) -> Any:
        return link_to(obj.resource_credential) or "-"

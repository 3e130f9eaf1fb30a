"""Lists what waits for a second person, decides it, and switches which acts need one."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.adminkit import approvals
from credservice.adminkit.bulk import admin_of
from credservice.adminkit.four_eyes import SecondPerson
from credservice.adminkit.labels import label
from credservice.adminkit.links import names_of, page_of, thing_link
from credservice.adminkit.menu import MAX_COUNTED, Menu, Need, counted
from credservice.adminkit.model_admin import ConsoleAdmin, LargeListAdmin, ReadOnly, by_id
from credservice.adminkit.models import Approval, FourEyes
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.object_header import Fact
from credservice.adminkit.state_pages import OptionalWhyForm, WhyForm
from credservice.audit.names import object_type_of

State = Approval.State
ASKED_BY_YOU = "another person, who may do the same: you have asked for it yourself"


class Decide(ObjectAction):
    """A decision about a request of somebody else's."""

    permission = "view"
    leads_to_list = True
    approve: ClassVar[bool]

    def allowed(self, request: HttpRequest, obj: Approval | None = None) -> bool:
        return super().allowed(request) and (obj is None or approvals.may_decide(obj, request.user))

    def refusal(self, obj: Approval) -> str:
        return "This is decided already, or its time is over." if self.is_over(obj) else ""

    @staticmethod
    def is_over(obj: Approval) -> bool:
        return obj.state != State.WAITING or not obj.is_open()

    def ask(
        self, request: HttpRequest, obj: Approval, form: forms.Form, context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sentences = {"consequences": [*self.consequences(obj), *_told_to_asker(request, obj), *self.then(obj)]}
        return super().ask(request, obj, form, sentences | (context or {}))

    def consequences(self, obj: Approval) -> list[str]:
        return [f"{obj.asked_by} asks for: {obj.title}.", f"The reason: {obj.values.get('why', '')}"]

    def then(self, obj: Approval) -> list[str]:
        """Tell what follows the decision."""
        return []

    def carry_out(self, request: HttpRequest, obj: Approval, values: Values) -> str:
        approvals.decide(obj, user=request.user, approve=self.approve, answer=values["why"])
        return f"You have {'approved' if self.approve else 'declined'} it."


class Approve(Decide):
    slug, title, icon = "approve", "Approve", "check_circle"
    variant = ActionVariant.SUCCESS
    form_class = OptionalWhyForm
    needs_proof = True
    approve = True

    def then(self, obj: Approval) -> list[str]:
        return [f"For an hour, {obj.asked_by} may do exactly this, once."]


class Decline(Decide):
    slug, title, icon = "decline", "Decline", "block"
    variant = ActionVariant.DANGER
    form_class = WhyForm
    approve = False


@admin.register(Approval)
class ApprovalAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Access", 64, "how_to_reg")
    about = "Acts that wait for a second person's approval, and what became of earlier ones."
    empty_help = "Which acts need a second person is switched under Second person."
    object_pages = (Approve, Decline)
    keyset = ("asked_at", "pk")
    list_display = ("title", "shown_state", "asker", "asked_at", "decider", "expires_at")
    list_select_related = ("asked_by", "decided_by")
    list_filter = (("state", ChoicesDropdownFilter),)
    search_help_text = "Our id"
    fields = (
        *("title", "shown_state", "why", "shown_object", "asker", "asked_at"),
        *("decider", "decided_at", "answer", "expires_at"),
    )
    readonly_fields = ("shown_state", "why", "shown_object", "asker", "decider")

    def find(self, term: str) -> list[Q]:
        return by_id(term)

    def needs_operator(self) -> list[Need]:
        waiting = Approval.objects.filter(state=State.WAITING, expires_at__gt=timezone.now())
        return _waiting(waiting[:MAX_COUNTED].count())

    def needs_of(self, request: HttpRequest) -> list[Need]:
        """List those alone that this person may decide, and what became of those that this person asked for."""
        waiting = _waiting(min(len(approvals.approvals_waiting(request.user)), MAX_COUNTED))
        return [*waiting, *_come(approvals.approvals_come(request.user))]

    def facts(self, request: HttpRequest, obj: Approval) -> list[Fact]:
        """Say why there is no button, to whoever may not decide it."""
        if Decide.is_over(obj) or approvals.may_decide(obj, request.user):
            return []
        own = obj.asked_by_id == request.user.pk
        return [Fact("Decided by", ASKED_BY_YOU if own else "somebody who may do the same: your account may not")]

    @display(description="State")
    def shown_state(self, obj: Approval) -> Any:
        return label(obj.state if obj.is_open() or obj.state not in Approval.OPEN else "expired")

    @display(description="Asked by")
    def asker(self, obj: Approval) -> str:
        """Show the name, and no link: not everybody here may look at accounts."""
        return obj.asked_by.get_username()

    @display(description="Decided by")
    def decider(self, obj: Approval) -> str:
        return obj.decided_by.get_username() if obj.decided_by else "-"

    @display(description="Reason")
    def why(self, obj: Approval) -> str:
        return str(obj.values.get("why", ""))

    @display(description="Object")
    def shown_object(self, obj: Approval) -> Any:
        site_admin = admin_of(obj)
        if site_admin is None:
            return obj.object_id
        thing = f"{object_type_of(site_admin.model)}:{obj.object_id}"
        return thing_link(thing, names_of([thing]))


def _told_to_asker(request: HttpRequest, obj: Approval) -> list[str]:
    """Repeat what the page said on which this was asked for: the other person decides by it, too."""
    site_admin = admin_of(obj)
    target = site_admin.get_object(request, obj.object_id) if site_admin else None
    if target is None:
        return []
    pages = [page(site_admin) for page in site_admin.object_pages if issubclass(page, SecondPerson)]
    return [
        told for page in pages if page.act_of(target) == obj.act for told in page.told_to_second(request, target, obj)
    ]


def _waiting(number: int) -> list[Need]:
    sentence = f"{counted(number, 'request')} waiting for a second person's approval"
    return [Need(sentence, {"state__exact": "waiting"})] if number else []


def _come(decided: list[Approval]) -> list[Need]:
    """Name the newest, and lead to it."""
    if not decided:
        return []
    newest = decided[0]
    end = f", and can be done until {newest.expires_at:%H:%M} UTC" if newest.state == State.APPROVED else ""
    more = f"; {len(decided) - 1} more of your requests are decided" if len(decided) > 1 else ""
    return [Need(f"Your request was {newest.state}{end}: {newest.title}{more}", link=page_of(newest))]


@admin.register(FourEyes)
class FourEyesAdmin(ConsoleAdmin):
    menu = Menu("Access", 65, "group")
    about = "Which acts need a second person's approval. To say which customer an end user is counts as a reveal."
    needs_proof = True
    list_display = ("__str__",)
    fields = ("reveal", "bulk_revoke")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(f"set_{act}" for act in settings.FOUR_EYES)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [f"set_{act}" if act in settings.FOUR_EYES else act for act in approvals.ACTS]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Lead on to the one row that there is."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(reverse("admin:console_foureyes_change", args=[1]))

    @display(description="Reveals")
    def set_reveal(self, obj: FourEyes) -> str:
        return "on, by the setting FOUR_EYES"

    @display(description="Revocations in bulk")
    def set_bulk_revoke(self, obj: FourEyes) -> str:
        return "on, by the setting FOUR_EYES"

"""Re-binds an end user to another customer, on a page of its own."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from credservice.adminkit.four_eyes import SecondPerson
from credservice.adminkit.links import names_of, thing_link
from credservice.adminkit.menu import MAX_COUNTED
from credservice.adminkit.object_actions import Values
from credservice.adminkit.state_pages import WhyForm
from credservice.adminkit.widgets import CharField
from credservice.credentials.models import Credential
from exchange.models import MAX_ID, EndUser
from exchange.services.rebinding import rebind_end_user

NAMED = 5  # of the credentials that would end


class RebindForm(WhyForm):
    external_id = CharField(
        label="Your own id of the customer that it is from now on",
        max_length=MAX_ID,
        widget=UnfoldAdminTextInputWidget(),
    )
    field_order = ("external_id", "why")


class Rebind(SecondPerson):
    """Decides who is handed whose credentials, as a reveal does: so a second person is asked where reveals need one."""

    slug, title, icon = "rebind", "Re-bind", "swap_horiz"
    permission = "exchange.rebind_enduser"
    variant = ActionVariant.DANGER
    form_class = RebindForm
    needs_proof = True
    four_eyes = "reveal"

    def form_to_ask(self, request: HttpRequest, obj: EndUser, data: Any = None) -> forms.Form:
        return RebindForm(data)

    def version(self, request: HttpRequest, obj: EndUser) -> str:
        return f"{super().version(request, obj)} {obj.external_id}"

    def consequences(self, obj: EndUser) -> list[str]:
        return [
            f"It is {obj.external_id or 'nobody that you have named'} until now. Whatever is made for it from then on, "
            "tokens that name it among it, is made for the customer that you enter.",
            "Every grant of it is withdrawn and every credential of it ends. This cannot be undone.",
            _that_end(obj),
            "Its name and attributes stay: correct those that are the former customer's.",
        ]

    def perform(self, actor: str, obj: EndUser, values: Values) -> str:
        rebound = rebind_end_user(end_user=obj, external_id=values["external_id"], actor=actor, reason=values["why"])
        return f"The end user is {rebound.external_id} from now on."


def _that_end(obj: EndUser) -> SafeString | str:
    """Name the newest credentials that would end, to who may look at them, and count the others."""
    rows = Credential.objects.unended().filter(subject=obj.subject).order_by("-created_at")
    keys = list(rows.values_list("pk", flat=True)[: NAMED + MAX_COUNTED])
    if not keys:
        return "No credential of it is live: none ends."
    things = [f"credential:{key}" for key in keys[:NAMED]]
    names = {thing: name.removesuffix(f" for {obj}") for thing, name in names_of(things).items()}
    listed = format_html_join(", ", "{}", ((thing_link(thing, names),) for thing in things))
    rest = len(keys) - NAMED
    more = f" and {rest}{'+' if rest == MAX_COUNTED else ''} more" if rest > 0 else ""
    return format_html("These end: {}{}.", listed, more)

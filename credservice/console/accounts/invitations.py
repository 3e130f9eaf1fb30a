"""Lists invitations, makes them, shows the link once, and ends them."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from credservice.accounts.invitations import end_invitation, make_invitation
from credservice.accounts.models import Invitation
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to
from credservice.adminkit.menu import Menu
from credservice.adminkit.object_actions import ObjectAction, Shown, Values
from credservice.adminkit.shown_once import ShownOnceAdmin
from credservice.audit.names import actor_of
from credservice.console import roles
from credservice.console.accounts.account_form import RolesField
from credservice.console.middleware import error_page

DAYS, MAX_DAYS = 3, 14
SENTENCE = (
    "Copy it now: it is not shown again. Send it to this person alone, by a way that you trust: whoever opens it first "
    "has the account."
)

SHUT = "Nobody is invited while OIDC_ONLY is on: the account could not sign in. People come by the provider."


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]
    """The form of a new one. ``manager`` is who sends it: InvitationAdmin.get_form makes it for one request."""

    manager: Any = None
    roles = RolesField()
    days = forms.IntegerField(
        label="Good for",
        min_value=1,
        max_value=MAX_DAYS,
        initial=DAYS,
        help_text=f"Days, up to {MAX_DAYS}. The link works once.",
        widget=UnfoldAdminIntegerFieldWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].required = True

    def clean_invited(self) -> Any:
        """Refuse a second open one for the same: the first would stay open, whichever of the two is taken."""
        invited = self.cleaned_data["invited"]
        waiting = Invitation.objects.open().filter(invited__iexact=invited).first()
        if waiting is not None:
            sentence = "One for {} is open already: end it first. Of two people of one name, write which this is for."
            raise forms.ValidationError(format_html(sentence, link_to(waiting)))
        return invited

    def clean_roles(self) -> Any:
        wanted = self.cleaned_data["roles"]
        refused = [role.name for role in wanted if not roles.may_give(self.manager, role)]
        if refused:
            raise forms.ValidationError(f"You may not give {', '.join(refused)}: it allows more than your own account.")
        return wanted


class End(ObjectAction):
    slug, title, icon = "end", "End", "block"
    permission = "end"
    variant = ActionVariant.DANGER
    consequence = "From now on the link opens nothing."

    def refusal(self, obj: Invitation) -> str:
        return "" if obj.state == "waiting" else f"This invitation is {obj.state} already."

    def perform(self, actor: str, obj: Invitation, values: Values) -> str:
        end_invitation(invitation=obj, actor=actor)
        return f"The invitation of {obj} is ended."


@admin.register(Invitation)
class InvitationAdmin(ShownOnceAdmin):
    menu = Menu("Access", 66, "mail")
    about = "One-time links by which people make an account of their own here, with the roles that you give them."
    empty_help = "Invite a colleague: you choose the roles, they choose a password and set up a second factor."
    needs_proof = True
    form = InvitationForm
    object_pages = (End,)
    list_display = ("invited", "shown_state", "shown_roles", "made_by", "created_at", "expires_at", "taken_by")
    search_fields = ("invited",)
    search_help_text = "Who it is for"
    add_fieldsets = ((None, {"fields": ("invited", "roles", "days")}),)
    fields = ("invited", "shown_state", "shown_roles", "made_by", "created_at", "expires_at", "taken_by", "taken_at")
    readonly_fields = ("shown_state", "shown_roles", "made_by", "created_at", "expires_at", "taken_by", "taken_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not settings.OIDC_ONLY and super().has_add_permission(request)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say what keeps this form shut from whoever could open it otherwise."""
        if settings.OIDC_ONLY and super().has_add_permission(request):
            return error_page(request, 403, SHUT)
        response: HttpResponse = super().add_view(request, *args, **kwargs)
        return response

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of what somebody was promised changes: end it, and make another."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("made_by", "taken_by").prefetch_related("roles")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.manager = request.user
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service makes it, and writes the line. The code is kept on the row object until it has been shown."""
        made, obj.code = make_invitation(**form.cleaned_data, by=request.user, actor=actor_of(request))
        obj.pk, obj.expires_at = made.pk, made.expires_at

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """See :meth:`save_model`."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """See :meth:`save_model`."""

    def shown_once(self, obj: Any) -> Shown:
        link = f"{settings.CONSOLE_URL}{reverse('account_invitation')}#{obj.code}"
        return Shown("New invitation", SENTENCE, ((f"Link for {obj.invited}", link),))

    @display(description="State")
    def shown_state(self, obj: Invitation) -> Any:
        return label(obj.state)

    @display(description="Roles")
    def shown_roles(self, obj: Invitation) -> str:
        return ", ".join(sorted(role.name for role in obj.roles.all()))

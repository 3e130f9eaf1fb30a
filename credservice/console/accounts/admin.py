"""Lists accounts and roles, and gives roles to accounts."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display
from unfold.enums import ActionVariant

from credservice.accounts.invitations import end_invitations_of
from credservice.accounts.models import ConsoleSession
from credservice.accounts.oidc.marks import is_local_shut, signs_in_by
from credservice.accounts.recent_proof import ask_for_proof, sent_too_late
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_link, list_url, may_view, page_of
from credservice.adminkit.menu import Menu, Need
from credservice.adminkit.model_admin import ConsoleAdmin, ReadOnly
from credservice.adminkit.moments import moment
from credservice.adminkit.object_header import Fact
from credservice.audit.names import actor_of
from credservice.console import roles
from credservice.console.accounts.account_form import NO_ROLE, AccountForm, NewAccountForm, PasswordForm, allowance
from credservice.console.accounts.emergency import (
    WHAT_IT_IS,
    emergency_account,
    emergency_fault,
    fault_of,
    is_emergency,
)
from credservice.console.accounts.reset_second_factor import ResetSecondFactor
from credservice.console.accounts.ways_in import ways_in
from credservice.vendor_api.models import ServiceToken
from credservice.vendor_api.tokens import live_tokens_made_by

FROM_PROVIDER = ("first_name", "last_name", "email", "is_superuser", "groups")


@admin.register(User)
class UserAdmin(BaseUserAdmin, ConsoleAdmin):  # type: ignore[type-arg]
    menu = Menu("Access", 61, "person")
    about = "People who may sign in here. An account is deactivated, never deleted: the trail names it."
    needs_proof = True
    form = AccountForm
    add_form = NewAccountForm
    add_fieldsets = (
        (
            None,
            {
                "fields": ("username", "usable_password", "password1", "password2"),
                "description": f"Its roles are chosen on the next page. {NO_ROLE}",
            },
        ),
    )
    change_password_form = PasswordForm
    object_pages = (ResetSecondFactor,)
    fixed_fields = ("username",)
    readonly_fields = ("last_login", "date_joined", "superuser_role", "own_permissions")
    list_display = ("username", "shown_state", "role", "signs_in", "last_login")
    list_filter = ()
    search_help_text = "User name, name or e-mail address"
    filter_horizontal = ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or roles.may_manage(request.user, obj))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups", "socialaccount_set")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave to the provider what its next answer would set again."""
        fields = super().get_readonly_fields(request, obj)
        return (*fields, *FROM_PROVIDER) if obj is not None and signs_in_by(obj) else fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        roles_of = ("is_superuser", "groups") if request.user.is_superuser else (_roles_shown(obj),)
        rights = ("is_active", *roles_of)
        extra = ("own_permissions",) if obj.user_permissions.exists() else ()
        return (
            (None, {"fields": ("username", "first_name", "last_name", "email")}),
            ("May", {"fields": rights + extra}),
            ("Dates", {"fields": ("last_login", "date_joined")}),
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.manager = request.user
        return form

    def facts(self, request: HttpRequest, obj: User) -> list[Fact]:
        way, factor = ways_in(obj)
        facts = [Fact("Signs in by", way), Fact("Second factor", factor), Fact("Last sign-in", moment(obj.last_login))]
        if super().has_change_permission(request, obj) and not self.has_change_permission(request, obj):
            facts.append(Fact("Changes", "only by an account that may do all that this one may"))
        if tokens := self._tokens_of(request, obj):
            facts.append(Fact("Made service tokens", tokens))
        if signs_in_by(obj):
            facts.append(Fact("Roles", "from the provider's groups, set anew at each sign-in: change them there"))
        if not is_emergency(obj):
            return facts
        why = fault_of(obj)
        return [*facts, Fact("For emergencies", f"{WHAT_IT_IS} It is of no use now: {why}." if why else WHAT_IT_IS)]

    def _tokens_of(self, request: HttpRequest, obj: User) -> Any:
        """Link the good tokens that it made; empty of none, and for who may not look at them."""
        tokens = live_tokens_made_by(f"user:{obj.get_username()}") if may_view(request, ServiceToken) else []
        return format_html_join(", ", "{}", ((link_to(token),) for token in tokens))

    def needs_operator(self) -> list[Need]:
        fault = emergency_fault()
        if not fault:
            return []
        account = emergency_account()
        return [Need(fault, urgent=True, link=page_of(account) if account else list_url(User))]

    def page_links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        links = super().page_links(request, obj)
        if not self.has_change_permission(request, obj) or signs_in_by(obj):
            return links
        address = reverse("admin:auth_user_password_change", args=[obj.pk])
        link = {"title": "New password", "icon": "password", "variant": ActionVariant.DEFAULT, "path": address}
        return [link, *links]

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if not change and isinstance(obj, User):
            obj.is_staff = True  # an account that may not sign in here has no other use
        super().save_model(request, obj, form, change)
        if not isinstance(obj, User):
            return
        # Switched on again, it must not bring them back: nor what was under way at the switch off.
        if not obj.is_active or "is_active" in form.changed_data:
            ConsoleSession.objects.end(obj)
            end_invitations_of(obj, actor=actor_of(request))
        if not obj.is_active and (tokens := self._tokens_of(request, obj)):
            told = "{} made service tokens that go on working: {}. Revoke those whose text {} may have kept."
            messages.warning(request, format_html(told, obj, tokens, obj))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set somebody else's. One's own is asked for first: an open session must not be able to replace it."""
        obj = self.get_object(request, unquote(id))
        if obj is not None and obj.pk == request.user.pk:
            return HttpResponseRedirect(reverse("admin:password_change"))
        if obj is not None and signs_in_by(obj):
            raise PermissionDenied("a password would be a way past the provider")
        elsewhere = ask_for_proof(request) if self.has_change_permission(request, obj) else None
        if elsewhere:
            return sent_too_late(request, elsewhere)
        with transaction.atomic():
            response: HttpResponse = super().user_change_password(request, id, form_url)
        return response

    @display(description="State")
    def shown_state(self, obj: Any) -> Any:
        if not (obj.is_active and obj.is_staff):
            return label("inactive")
        return label("shut" if is_local_shut(obj) and not obj.socialaccount_set.all() else "active")

    @display(description="Roles")
    def role(self, obj: User) -> str:
        names = (["Superuser"] if obj.is_superuser else []) + sorted(group.name for group in obj.groups.all())
        return ", ".join(names) or "none yet: sees nothing"

    @display(description="Roles")
    def superuser_role(self, obj: User) -> str:
        return "Superuser: everything"

    @display(description="Signs in by")
    def signs_in(self, obj: Any) -> str:
        aliases = [account.provider for account in obj.socialaccount_set.all()]
        return ", ".join(aliases) or ("password" if obj.has_usable_password() else "nothing yet")

    @display(description="Permissions besides")
    def own_permissions(self, obj: User) -> str:
        return ", ".join(sorted(p.name for p in obj.user_permissions.all()))


@admin.register(Group)
class GroupAdmin(ReadOnly, BaseGroupAdmin, ConsoleAdmin):  # type: ignore[misc]
    menu = Menu("Access", 62, "badge", "roles")
    about = "What each role may do. Roles come with the service; accounts are given them."
    list_display = ("name", "shown_may", "people")
    filter_horizontal = ()
    fields = ("name", "shown_may", "shown_people", "shown_permissions")
    fieldsets = None
    readonly_fields = ("shown_may", "shown_people", "shown_permissions")

    def get_list_display(self, request: HttpRequest) -> Any:
        return _but_people(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return _but_people(request, super().get_fields(request, obj))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(accounts=Count("user"))

    @display(description="May")
    def shown_may(self, obj: Group) -> str:
        return allowance(obj)

    @display(description="People")
    def people(self, obj: Any) -> int:
        return int(obj.accounts)

    @display(description="People")
    def shown_people(self, obj: Any) -> Any:
        found = obj.user_set.order_by("username")[:200]
        return ", ".join(user.get_username() for user in found) or list_link(User, "Nobody yet: give it to an account")

    @display(description="Permissions")
    def shown_permissions(self, obj: Group) -> Any:
        names = obj.permissions.order_by("content_type__app_label", "codename").values_list("name")
        return format_html('<ul class="console-permissions">{}</ul>', format_html_join("", "<li>{}</li>", names))


def _roles_shown(obj: User) -> str:
    """Name the field that says what an account may do, to who is no superuser and so may not change it for one."""
    return "superuser_role" if obj.is_superuser else "groups"


def _but_people(request: HttpRequest, names: Iterable[Any]) -> list[Any]:
    """Leave out who has a role for whoever may not look at accounts."""
    return [name for name in names if name not in ("people", "shown_people") or may_view(request, User)]

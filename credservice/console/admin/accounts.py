"""Users and groups."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from credservice.console.base import ConsoleAdmin
from credservice.console.labels import label
from credservice.console.menu import Menu


class SuperusersOnly:
    """Who may change accounts could give himself every permission: so only those who have them all may."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


class NotOneselfForm(UserChangeForm):
    """Nobody takes the console away from himself: at least one superuser is left that way."""

    own_pk: Any = None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk == self.own_pk:
            for name in ("is_active", "is_staff", "is_superuser"):
                if not data.get(name, True):
                    self.add_error(name, "This is your own account. Ask another administrator to change it.")
        return data


@admin.register(User)
class UserAdmin(SuperusersOnly, BaseUserAdmin, ConsoleAdmin):  # type: ignore[type-arg]
    menu = Menu("Access", 61, "person")
    about = "People who may sign in here. An account is deactivated, never deleted: the trail names it."
    form = NotOneselfForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    fixed_fields = ("username",)
    readonly_fields = ("last_login", "date_joined")
    list_display = ("username", "shown_state", "role", "last_login")
    list_filter = ()
    search_help_text = "User name, name or e-mail address"
    filter_horizontal = ()
    autocomplete_fields = ("groups",)
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    @display(description="State")
    def shown_state(self, obj: User) -> Any:
        return label("active" if obj.is_active else "inactive")

    @display(description="May")
    def role(self, obj: User) -> str:
        if not obj.is_staff:
            return "not sign in here"
        return "everything" if obj.is_superuser else "what its groups and permissions say"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.own_pk = request.user.pk
        return form

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().user_change_password(request, id, form_url)
        return response


@admin.register(Group)
class GroupAdmin(SuperusersOnly, BaseGroupAdmin, ConsoleAdmin):  # type: ignore[misc]
    menu = Menu("Access", 62, "groups")
    about = "Permissions that several people share."
    empty_help = "Give permissions to a group, and put people into it."
    list_display = ("name",)
    filter_horizontal = ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

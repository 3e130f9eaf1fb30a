"""Edits one account: gives roles by what they allow, and refuses what nobody may do to an account."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from credservice.accounts.oidc.marks import is_local_shut
from credservice.console import roles
from credservice.console.accounts.emergency import WHAT_IT_IS, is_emergency
from credservice.core.names import PLAIN_ERRORS, validate_name

OWN = "This is your own account. Ask another administrator to change it."

NO_ROLE = "Without a role an account sees nothing."

LEFT_OUT = "Disabled: nobody can sign in to the account until it is given a password, on its page."


class RolesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Offers roles by what they allow; groups that somebody made besides, by name."""

    def __init__(self) -> None:
        super().__init__(
            Group.objects.all(), required=False, label="Roles", widget=UnfoldAdminCheckboxSelectMultipleWidget()
        )

    def label_from_instance(self, obj: Any) -> SafeString:
        return described(obj)


def described(group: Group) -> SafeString:
    return format_html("<strong>{}</strong>: {}", group.name, allowance(group))


def allowance(group: Group) -> str:
    """Say in words what a role may do and may not."""
    role = next((role for role in roles.ROLES if role.name == group.name), None)
    return f"{role.may} {role.may_not}".strip() if role else "A group of your own."


def _only_emergency() -> str:
    only = f"only {settings.EMERGENCY_ACCOUNT} can be added" if settings.EMERGENCY_ACCOUNT else "none can be added"
    return f"While OIDC_ONLY is on, {only} here: no other account could sign in. People come by the provider."


class CheckedPasswords:
    """Checks, as a mixin of forms with a password and its repetition, the password also where the two differ."""

    cleaned_data: dict[str, Any]

    def validate_password_for_user(self, user: Any, password_field_name: str = "password2") -> None:  # noqa: S107
        """Django drops the repetition that differs, and then checks nothing."""
        repeated = self.cleaned_data.get(password_field_name)
        name = password_field_name if repeated else password_field_name.replace("2", "1")
        super().validate_password_for_user(user, password_field_name=name)  # type: ignore[misc]


class NewAccountForm(CheckedPasswords, UserCreationForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].error_messages |= PLAIN_ERRORS
        if settings.OIDC_ONLY:
            self.fields["username"].help_text = _only_emergency()
        usable = self.fields.get("usable_password")
        if usable:
            usable.label, usable.help_text = "Signs in with a password", LEFT_OUT

    def clean_username(self) -> Any:
        """Refuse a name that would look like one of a provider's: the audit log names people by them."""
        name: str = super().clean_username() or ""  # Django's gives None for one that is taken, with its error
        alias = name.rpartition("@")[2].lower()
        if "@" in name and alias in settings.OIDC_PROVIDERS:
            raise forms.ValidationError(f"Names that end in @{alias} are those of people who sign in by that provider.")
        if name and is_local_shut(User(username=name)):
            raise forms.ValidationError(_only_emergency())
        return name


class OwnPasswordForm(CheckedPasswords, AdminOwnPasswordChangeForm):
    """Changes one's own password."""


class PasswordForm(CheckedPasswords, AdminPasswordChangeForm):
    """Sets another password, and takes none away: to keep somebody out, the account is deactivated."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)
        for name in ("password1", "password2"):
            self.fields[name].required = True


class AccountForm(UserChangeForm):
    """The form of one account. ``manager`` is who sends it: UserAdmin.get_form makes it for one request."""

    manager: Any = None
    groups = RolesField()

    class Meta(UserChangeForm.Meta):
        """Names fields in the console's words, where they are shown alone as well."""

        labels: ClassVar = {
            "username": "User name",
            "email": "E-mail address",
            "is_active": "May sign in",
            "is_superuser": "Superuser",
            "groups": "Roles",
            "last_login": "Last sign-in",
            "date_joined": "Added",
        }
        help_texts: ClassVar = {
            "username": "The trail names people by it: it stays.",
            "is_active": "Switch it off for who has left: an account is never deleted, since the trail names it.",
            "is_superuser": "Everything, whatever its roles say: for the first account, and for emergencies.",
            "groups": "",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"first_name", "last_name"} & self.fields.keys():
            self.fields[name].validators.append(validate_name)
        if "groups" in self.fields and not self.instance.is_superuser:
            self.fields["groups"].help_text = NO_ROLE

    def clean_groups(self) -> Any:
        """Refuse to give more than the manager has; what was given before may stay."""
        wanted = self.cleaned_data["groups"]
        before = set(self.instance.groups.all())
        refused = [group.name for group in set(wanted) ^ before if not roles.may_give(self.manager, group)]
        if refused:
            sentence = f"You may not give or take {', '.join(sorted(refused))}: it allows more than your own account."
            raise forms.ValidationError(sentence)
        return wanted

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            self._keep_own(data)
            self._keep_emergency(data)
            self._keep_an_administrator(data)
        return data

    def _keep_own(self, data: dict[str, Any]) -> None:
        if self.instance.pk == self.manager.pk:
            for name in ("is_active", "is_superuser"):
                if not data.get(name, True):
                    self.add_error(name, OWN)
            if "groups" in data and roles.loses(self.manager, data["groups"]):
                self.add_error("groups", OWN)

    def _keep_an_administrator(self, data: dict[str, Any]) -> None:
        """Keep one, in the transaction of the change: two who demote each other meet at the lock."""
        list(Group.objects.select_for_update().filter(name=roles.ADMINISTRATOR))
        if self._ends_administrator(data) and not roles.administrators().exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("This is the last administrator. Make somebody else one first.")

    def _keep_emergency(self, data: dict[str, Any]) -> None:
        if is_emergency(self.instance) and self._ends_administrator(data):
            raise forms.ValidationError(f"{WHAT_IT_IS} Name another one in the settings first.")

    def _ends_administrator(self, data: dict[str, Any]) -> bool:
        """Tell whether this takes from an administrator to sign in, or to administer."""
        if not roles.administrators().filter(pk=self.instance.pk).exists():
            return False
        superuser = data.get("is_superuser", self.instance.is_superuser)
        groups = data.get("groups", self.instance.groups.all())
        stays = superuser or any(group.name == roles.ADMINISTRATOR for group in groups)
        return not (data.get("is_active") and stays)

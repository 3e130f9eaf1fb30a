"""Edits credential policies in the console: which issuer, with what options, for how long."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db.models import Model
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from credservice.adminkit.links import list_link
from credservice.adminkit.menu import Menu
from credservice.adminkit.model_admin import ConsoleAdmin
from credservice.adminkit.widgets import span
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.issuers import get_issuer, issuer_choices
from credservice.issuers.base import OptionsError

MAX_USERS_CHECKED = 200


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Also asks everything that uses the policy whether it can live with the new options."""

    issuer = forms.ChoiceField(
        choices=issuer_choices,
        widget=UnfoldAdminSelectWidget,
        help_text=(
            "static: values that you enter. api_key: keys that are generated here, and checked here. Others, and what "
            "their options are: docs/issuers/README.md, and there jwt.md, webhook.md, postgresql.md, oauth2.md."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            del self.fields["issuer"]

    def _post_clean(self) -> None:
        # Of text that is no JSON, this is all there is to say: what the model finds wrong with its default is noise.
        unread = {name: self.errors[name].copy() for name in ("options", "probe") if name in self.errors}
        super()._post_clean()  # type: ignore[misc]
        self.errors.update(unread)
        if not self.errors and self.instance.pk and "options" in self.changed_data:
            for problem in problems_of_users(self.instance):
                self.add_error("options", problem)


def problems_of_users(policy: CredentialPolicy) -> list[str]:
    """List what would be wrong with integrations, products and their like under the policy as it is in memory.

    They are found by their foreign keys: this room does not know the doors.
    """
    problems = []
    for relation in CredentialPolicy._meta.related_objects:
        model = relation.related_model
        if not isinstance(model, type) or not issubclass(model, Model) or issubclass(model, Credential):
            continue
        for user in model._default_manager.filter(**{relation.field.name: policy.pk})[:MAX_USERS_CHECKED]:
            setattr(user, relation.field.name, policy)
            try:
                user.clean()
            except ValidationError as error:
                problems.append(f"{model._meta.verbose_name} {user}: {' '.join(error.messages)}")
    return problems


@admin.register(CredentialPolicy)
class CredentialPolicyAdmin(ConsoleAdmin):
    menu = Menu("Credentials", 12, "rule")
    about = "How credentials are made: issuer, options, lifetime, rotation, overlap."
    empty_help = "Add one before the first integration or product: static for values that you enter, api_key for keys."
    needs_proof = True
    form = PolicyForm
    fixed_fields = ("name", "shown_issuer")
    readonly_fields = ("its_credentials", "created_at")
    list_display = ("name", "shown_issuer", "shown_values", "shown_lifetime", "shown_rotation", "created_at")
    search_fields = ("name",)
    search_help_text = "Name"

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """The issuer is chosen once: what it has made, it alone can end."""
        first = (
            "name",
            "shown_issuer" if obj else "issuer",
            "options",
            "multiple",
            *(("its_credentials",) if obj else ()),
        )
        times = ("lifetime", "rotation_period", "overlap", "stale_for")
        return ((None, {"fields": first}), ("Times", {"fields": times}), ("Trial", {"fields": ("probe",)}))

    @display(description="Issuer")
    def shown_issuer(self, obj: CredentialPolicy) -> str:
        return obj.issuer

    @display(description="Values")
    def shown_values(self, obj: CredentialPolicy) -> str:
        try:
            return ", ".join(get_issuer(obj.issuer).value_names(obj.options))
        except (ImproperlyConfigured, OptionsError, KeyError, TypeError):
            return "cannot be told: look at its options"

    @display(description="Lifetime")
    def shown_lifetime(self, obj: CredentialPolicy) -> str:
        return span(obj.lifetime) if obj.lifetime else "unlimited"

    @display(description="Rotation")
    def shown_rotation(self, obj: CredentialPolicy) -> str:
        return f"every {span(obj.rotation_period)}" if obj.rotation_period else "by hand"

    @display(description="Credentials")
    def its_credentials(self, obj: CredentialPolicy) -> Any:
        return list_link(Credential, "Its credentials", policy__id__exact=obj.pk) if obj.created_at else ""

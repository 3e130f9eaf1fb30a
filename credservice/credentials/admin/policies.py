"""Edits credential policies in the console: which issuer, with what options, for how long."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from credservice.adminkit.links import field_of, link_of_view, list_link, list_url, may_view, new_tab_link, see_document
from credservice.adminkit.menu import MAX_COUNTED, Menu, Need, counted
from credservice.adminkit.model_admin import ConsoleAdmin
from credservice.adminkit.nested_forms import NESTED, Maker, NestedField
from credservice.adminkit.ticks import TickedForm, TickedPage, ask_for_tick
from credservice.adminkit.widgets import span
from credservice.core.time_spans import spoken
from credservice.credentials.admin.option_forms import asks_for_issuer, asks_for_options, asks_for_probe, at_field
from credservice.credentials.models import DEFAULT_OVERLAP, Credential, CredentialPolicy, fitting_overlap
from credservice.credentials.policy_impact import (
    TO_RENAME,
    foretell_changes,
    named_apart,
    names_of,
    served_by,
    uses_of,
)
from credservice.issuers import get_issuer, issuer_choices

MAX_USERS_CHECKED = 200
AFTER_ITS_END = (
    "the next exchange makes another; a resource's credential has ended for good, and its user has to delete it and "
    "create another."
)
UNTIL_ENTERED = "until somebody enters new ones, its customers get no answer."
ONCE_ENDED = f"Once they have expired, {UNTIL_ENTERED}"
LIFETIME = "Of credentials made from then on: each expires after this."
MAKES = frozenset({"options", "lifetime", "rotation_period", "overlap"})  # change what is made
LACKING = {"values": "lacking"}  # of the list of credentials
CANNOT_BE_TOLD = "cannot be told: look at its options"


class PolicyJSONForm(TickedForm):
    """Takes options and probe as JSON: the expert's view.

    Also asks everything that uses the policy whether it can live with the new options, and the operator for a tick
    where the next credentials of live customers would be others, or have values of other names.
    """

    class Meta:
        help_texts: ClassVar = {
            "lifetime": f"{LIFETIME} Empty: as its issuer has it; entered values then never expire.",
            "rotation_period": "After it, a successor is made: of live ones, too. Empty: by hand. Once a credential "
            f"has expired, {AFTER_ITS_END} Of entered values, nobody but you makes another: leave it empty.",
            "overlap": "How long the predecessor stays good after a rotation: shorter than the lifetime. Empty: "
            f"{span(DEFAULT_OVERLAP)}, or half of a lifetime that is no longer.",
        }

    other_view = ("", "")  # title and address of the other view
    sees: Callable[[Model], bool]  # whether the operator may look at this row, and is told its name
    issuer = forms.ChoiceField(choices=issuer_choices, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            del self.fields["issuer"]
        if "options" in self.fields:
            title, address = self.other_view
            link = format_html("{} ·", link_of_view(address, title))
            self.fields["options"].help_text = see_document(link, "issuers/", "What each issuer makes")
        if "lifetime" in self.fields and not self.instance._state.adding:
            live = Credential.objects.filter(policy=self.instance, state__in=Credential.USABLE)[:MAX_COUNTED].count()
            keep = f"{counted(live, 'live one')} {'keeps its' if live == 1 else 'keep their'} end. " if live else ""
            empty = "as its issuer has it." if self._generates() else f"they never expire. {ONCE_ENDED}"
            lifetime, told = self.fields["lifetime"], self.Meta.help_texts["lifetime"]
            lifetime.help_text = lifetime.help_text.replace(told, f"{LIFETIME} {keep}Empty: {empty}")
        if "rotation_period" in self.fields and not self.instance._state.adding and not self._generates():
            self.fields["rotation_period"].help_text = f"Leave it empty: its values are entered. {ONCE_ENDED}"
        if "overlap" in self.fields:
            self.fields["overlap"].required = False
            if self.instance._state.adding:
                self.initial["overlap"] = None

    def _generates(self) -> bool:
        try:
            return bool(self.instance.backend().generates)
        except ImproperlyConfigured:
            return True  # settings have lost its issuer

    def clean(self) -> dict[str, Any]:
        """Choose an overlap that fits the lifetime, where none was written."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "overlap" in data and data["overlap"] is None:
            data["overlap"] = fitting_overlap(data.get("lifetime"))
        return data

    def _update_errors(self, errors: ValidationError) -> None:
        """Say above the form what is wrong with the issuer, where that was chosen long ago."""
        if "issuer" not in self.fields and "issuer" in errors.error_dict:
            errors = ValidationError(errors.error_dict["issuer"])
        super()._update_errors(errors)  # type: ignore[misc]

    def _post_clean(self) -> None:
        # Of text that is no JSON, this is all there is to say: what the model finds wrong with its default is noise.
        unread = {name: self.errors[name].copy() for name in ("options", "probe") if name in self.errors}
        super()._post_clean()  # type: ignore[misc]
        self.errors.update(unread)
        if not self.errors and not self.instance._state.adding and MAKES & {*self.changed_data}:
            for problem in self._problems() if "options" in self.changed_data else ():
                self.add_error("options", problem)
            if not self.errors:
                self._ask_about_credentials()

    @cached_property
    def _before(self) -> CredentialPolicy:
        """Read it as it was: what is sent is in the instance by now."""
        return CredentialPolicy.objects.get(pk=self.instance.pk)

    def _problems(self) -> list[str]:
        problems = problems_of_users(self.instance)
        lost = set(names_of(self._before) or ()) - set(names_of(self.instance) or ())
        return [*problems, TO_RENAME] if problems and lost else problems

    def _ask_about_credentials(self) -> None:
        policy, before = self.instance, self._before
        found = foretell_changes(before, policy)
        if found and ask_for_tick(
            self,
            label="Save it and change what is made",
            told=[*(sentence for each in found for sentence in each.sentences(self.sees)), *self._who_will_lack()],
            how="Tell who reads or checks these values first. Then tick this, and save again.",
            # Not how many there are: where they come and go, it would be asked for without end.
            accepts=[*(each.change for each in found), json.dumps(policy.options, sort_keys=True)],
        ):
            counts = {name: count for each in found for name, count in each.counts().items()}
            policy.audit_facts = {"accepted_changed_answers": counts}

    def _who_will_lack(self) -> list[str]:
        """Count the live credentials, which all lack what the policy makes for the first time."""
        had = names_of(self._before) or ()
        added = [name for name in names_of(self.instance) or () if name not in had]
        live = self.instance.credentials.filter(state=Credential.State.ACTIVE)
        number = live[:MAX_COUNTED].count() if added else 0
        if not number:
            return []
        lack = "lacks" if number == 1 else "lack"
        told = f"{counted(number, 'live credential')} {lack} {' and '.join(added)}, and so do answers that ask for it."
        listed = list_url(Credential, policy__id__exact=self.instance.pk, state__exact=Credential.State.ACTIVE)
        link = new_tab_link(listed, "List them") if self.sees(Credential()) else ""
        return [format_html("{} {} {}", told, _made_anew(self.instance), link)]


class PolicyForm(PolicyJSONForm):
    """Takes them by the fields that the issuer and the probes declare."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "options" in self.fields:
            self._nest("options", self._asks_for_options())
            self._nest("probe", asks_for_probe(self.instance.probe))
        if "issuer" in self.fields:
            self.fields["options"].label = "Issuer"

    def _asks_for_options(self) -> Maker | None:
        if "issuer" in self.fields:
            return asks_for_issuer(self.initial.get("issuer", "static"))
        try:
            return asks_for_options(self.instance.backend(), self.instance.options)
        except ImproperlyConfigured:
            return None  # settings have lost its issuer

    def _nest(self, name: str, asks: Maker | None) -> None:
        field = self.fields[name]
        if asks:
            self.fields[name] = NestedField(asks, label=field.label, help_text=field.help_text)

    def _post_clean(self) -> None:
        if "issuer" in self.cleaned_data:
            self.instance.issuer = self.cleaned_data["issuer"]
        super()._post_clean()
        for name, field in self.fields.items():
            if isinstance(field, NestedField) and name in self.errors:
                self._show_at_fields(name, field)

    def _show_at_fields(self, name: str, field: NestedField) -> None:
        """Move what the model found wrong with one option to that option's field."""
        for error in self.errors.as_data()[name]:
            if error.code and field.mark(error.code, at_field(error.code, str(error.message))):
                self.errors[name] = self.error_class([NESTED], renderer=self.renderer)


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
                problems.append((user, " ".join(error.messages)))
    names = named_apart(user for user, _ in problems)
    return [f"{name}: {told}" for name, (_, told) in zip(names, problems, strict=True)]


def _made_anew(policy: CredentialPolicy) -> str:
    """Say how what lacks a value gets it."""
    return "Rotate each." if policy.backend().generates else "Replace the values of each."


def _ends_alone(policy: CredentialPolicy) -> str:
    """Say that what it makes ends without a successor; empty where it does not, or settings have lost its issuer."""
    try:
        life, generates = policy.ends_unrenewed_after(), policy.backend().generates
    except (ImproperlyConfigured, TypeError):  # stored options may be of an older kind
        return ""
    if life is None:
        return ""
    if not generates:
        return f"Values of this policy end {spoken(life)} after they are entered, and have no successor"
    how = f"only every {spoken(policy.rotation_period)}" if policy.rotation_period else "by hand"
    return f"Rotation is {how}, so each new credential ends after {spoken(life)} without a successor"


@admin.register(CredentialPolicy)
class CredentialPolicyAdmin(TickedPage, ConsoleAdmin):
    tick_beside = "options"
    menu = Menu("Credentials", 12, "rule")
    about = "How credentials are made: issuer, options, lifetime, rotation, overlap."
    empty_help = see_document(
        "Add one before the first integration or product: static for values that you enter, api_key for keys.",
        "issuers/",
        "What each issuer makes",
    )
    needs_proof = True
    fixed_fields = ("name", "shown_issuer")
    readonly_fields = ("its_credentials", "created_at")
    list_display = ("name", "shown_issuer", "shown_values", "shown_lifetime", "shown_rotation", "created_at")
    search_fields = ("name",)
    search_help_text = "Name"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        title, query = ("Edit in a form", "") if _as_json(request) else ("Edit as JSON, for experts", "view=json")
        sees = staticmethod(partial(_sees, request))
        form = type("PolicyForm", (_form(request),), {"other_view": (title, f"?{query}"), "sees": sees})
        return super().get_form(request, obj, change=change, **kwargs | {"form": form})

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """The issuer is chosen once: what it has made, it alone can end."""
        first = (
            "name",
            *(("shown_issuer",) if obj else ("issuer",) if _as_json(request) else ()),
            "options",
            "multiple",
            *(("its_credentials",) if obj else ()),
        )
        times = ("lifetime", "rotation_period", "overlap", "stale_for")
        return ((None, {"fields": first}), ("Times", {"fields": times}), ("Trial", {"fields": ("probe",)}))

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        assert isinstance(obj, CredentialPolicy)
        if (told := _ends_alone(obj)) and {"lifetime", "rotation_period"} & {*form.changed_data}:
            after = AFTER_ITS_END if obj.backend().generates else UNTIL_ENTERED
            self.message_user(request, f"{told}: {after}", messages.WARNING)

    def next_steps(self, request: HttpRequest, obj: CredentialPolicy) -> list[Need]:
        """Warn where credentials end for good; what an exchange hands out is made anew, where an issuer makes it."""
        return [*self._lacking(request, obj), *self._ending(obj)]

    def _lacking(self, request: HttpRequest, obj: CredentialPolicy) -> list[Need]:
        """Count the credentials that were made before the policy had all its values."""
        names = dict.fromkeys(name for _, _, lacked in obj.gains() for name in lacked)
        number = obj.credentials.lacking_values()[:MAX_COUNTED].count() if names and _sees(request, Credential()) else 0
        if not number:
            return []
        lack, it = ("lacks", "it was") if number == 1 else ("lack", "they were")
        told = f"{counted(number, 'live credential')} {lack} {' or '.join(names)}: {it} made before"
        return [Need(f"{told}. {_made_anew(obj)}", link=list_url(Credential, policy__id__exact=obj.pk, **LACKING))]

    def _ending(self, obj: CredentialPolicy) -> list[Need]:
        told = _ends_alone(obj)
        if not told:
            return []
        if not obj.backend().generates:
            return [Need(f"{told}: {UNTIL_ENTERED}", link=field_of(obj, "lifetime"))] if served_by(obj) else []
        sentence = f"{told}: a resource's user has to delete it and create another. Set a rotation period."
        return [Need(sentence, link=field_of(obj, "rotation_period"))] if uses_of(obj) else []

    @display(description="Issuer")
    def shown_issuer(self, obj: CredentialPolicy) -> str:
        return obj.issuer

    @display(description="Values")
    def shown_values(self, obj: CredentialPolicy) -> str:
        names = obj.names_or_none()
        return CANNOT_BE_TOLD if names is None else ", ".join(names)

    @display(description="Lifetime")
    def shown_lifetime(self, obj: CredentialPolicy) -> str:
        try:
            told = obj.lifetime or get_issuer(obj.issuer).own_lifetime(obj.options)
        except (ImproperlyConfigured, TypeError):
            return CANNOT_BE_TOLD
        return spoken(told) if isinstance(told, timedelta) else told

    @display(description="Rotation")
    def shown_rotation(self, obj: CredentialPolicy) -> str:
        return f"every {spoken(obj.rotation_period)}" if obj.rotation_period else "by hand"

    @display(description="Credentials")
    def its_credentials(self, obj: CredentialPolicy) -> Any:
        return list_link(Credential, "Its credentials", policy__id__exact=obj.pk) if obj.created_at else ""


def _as_json(request: HttpRequest) -> bool:
    return request.GET.get("view") == "json"


def _form(request: HttpRequest) -> type[PolicyJSONForm]:
    return PolicyJSONForm if _as_json(request) else PolicyForm


def _sees(request: HttpRequest, obj: Model) -> bool:
    return may_view(request, type(obj))

"""Edits what an integration answers with: its policy and response shape, with the answer beside them as it would be.

Both decide what live customers are answered, and each limits the other: so they are changed together, here alone.
"""

import copy
import json
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from credservice.adminkit.links import link_of_view, link_to, see_document
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.previews import too_many
from credservice.adminkit.widgets import JSONField
from credservice.audit import Line, record
from credservice.core.exceptions import Conflict
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.rotation_impact import counted
from exchange.admin.accepted_answers import ask_for_tick, told
from exchange.admin.shape_table import PREVIEW, ShapeField, fits_the_table
from exchange.models import Installation, Integration
from exchange.services.answer_impact import (
    MAX_NAMED,
    AnswerImpact,
    Look,
    answer_each,
    answers_of,
    foretell_answers,
    names_handed_out,
)
from exchange.services.dry_run import MASK
from exchange.services.served import still_renewed
from exchange.shapes import CREDENTIAL, WANTED, MissingAttributes, as_stored, fill

LOOKED_AT = 5  # installations, the newest, for one to preview


class Example(NamedTuple):
    """The installation that a preview shows, and the names of the values that it is handed now, where it is any."""

    installation: Installation | None
    handed_out: list[str] | None


class SeenField(forms.CharField):
    """Holds what was there when the page was opened: somebody else's change is not overwritten.

    The page of a form that was refused says what they changed, and holds what is there then: the next Save is good.
    """

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial


class ShapeJSONForm(forms.Form):
    """Takes the response shape as JSON: the expert's view."""

    policy = forms.ModelChoiceField(
        CredentialPolicy.objects.all(),
        required=False,
        empty_label=None,
        widget=UnfoldAdminSelectWidget,
        help_text="How its credentials are made. Those that are there stay as they are until they are rotated, made "
        "anew at an exchange, or replaced: their successors are made by this one. Where its values are entered, "
        "what renews by itself goes on by the policy that made it, until they are.",
    )
    response_shape: forms.Field = JSONField(
        error_messages={"required": WANTED},
        help_text=see_document(
            "Fields of the answer: a text as it is, or a source: $credential.NAME, $end_user.external_id, "
            "$end_user.ATTRIBUTE, $installation.ATTRIBUTE. A literal dollar sign is $$.",
            "protocols/mindcloud/#the-answer",
            "What they may hold",
        ),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10, "data-preview": PREVIEW, "spellcheck": "false"}),
    )
    before = SeenField(widget=forms.HiddenInput(), required=False)

    class Media:
        js = (Script("exchange/preview.js", defer=True),)

    def __init__(self, integration: Integration, data: Any = None, *, saves: bool = False) -> None:
        shape, policy = integration.response_shape, integration.policy_id
        initial = {"policy": policy, "response_shape": shape, "before": lambda: _seen(integration)}
        super().__init__(data, initial=initial)
        self._integration, self._saves = integration, saves
        policies = self.fields["policy"]
        policies.help_text = " ".join([str(policies.help_text), *still_renewed(integration)])

    def clean(self) -> dict[str, Any]:
        """Check the two together, and ask to confirm what would change for installations."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self._saves and (changed := _changed_meanwhile(self._integration, data.get("before"))):
            raise ValidationError(changed)
        if self.errors:
            return data
        data["policy"] = data["policy"] or self._integration.policy
        try:
            self._wanted(data).full_clean()
        except ValidationError as error:
            raise ValidationError({"response_shape": error.messages}) from None
        if self._saves:
            wanted = [_text(data["response_shape"]), str(data["policy"].pk)]
            accepted = ask_for_tick(self, self._foretell(data), wanted)
            data |= {"accepted": accepted} if accepted else {}
        return data

    def notes(self) -> list[SafeString]:
        """Say beside the preview whose credential it shows, and what the check will say of those that are there."""
        found, handed_out = self.shown
        if found and handed_out is not None:
            shown = format_html("Shown with the credential that {} is handed now.", found)
        else:
            shown = format_html("Shown with a credential of the policy {}.", self.cleaned_data["policy"])
        return [shown, *told(self._foretell(self.cleaned_data))]

    @cached_property
    def shown(self) -> Example:
        return example_of(self._integration)

    def _wanted(self, data: Values) -> Integration:
        wanted = copy.copy(self._integration)
        wanted.policy, wanted.response_shape = data["policy"], data["response_shape"]
        return wanted

    def _foretell(self, data: Values) -> AnswerImpact:
        return foretell_answers(self._integration, self._wanted(data))


TABLE: dict[str, Any] = {
    "label": "Fields of the answer, as the platform's modal expects them",
    "help_text": see_document(
        "A secret is the policy's value that is called as the field is, unless you write another's name.",
        "protocols/mindcloud/#the-answer",
        "What the fields may hold",
    ),
}


class ShapeForm(ShapeJSONForm):
    """Takes it as a table of fields."""

    response_shape = ShapeField(**TABLE)


class EditShape(ObjectAction):
    slug, title, icon = "shape", "Edit the answer", "data_object"
    variant = ActionVariant.PRIMARY
    submit = "Save"
    needs_proof = True

    def allowed(self, request: HttpRequest, obj: Integration | None = None) -> bool:
        """Ask for the right to change policies as well: the shape decides what of a credential is handed out."""
        return super().allowed(request, obj) and request.user.has_perm("credentials.change_credentialpolicy")

    def proof_first(self, request: HttpRequest) -> HttpResponse | None:
        """Ask for no proof of who only previews: the values are masked, and nothing is saved."""
        return None if request.POST.get("preview") else super().proof_first(request)

    def consequences(self, obj: Integration) -> list[str]:
        """Say who gets no answer as it is: what is foretold below leaves them out."""
        answers = answers_of(obj, Look())
        none = [(each, answer.why) for each, answer in answers.by_installation.items() if answer.fields is None]
        if not none:
            return []
        number = counted(len(none), "installations")
        gets = "gets" if len(none) == 1 else "get"
        shown = ((link_to(each.end_user, each), why) for each, why in none[:MAX_NAMED])
        rest = f" and {len(none) - MAX_NAMED} more" if len(none) > MAX_NAMED else ""
        listed = format_html_join(", ", "{} ({})", shown)
        return [format_html("{} {} no answer today: {}{}.", number, gets, listed, rest)]

    def make_form(self, request: HttpRequest, obj: Integration, data: Any = None) -> forms.Form:
        return _form(request, obj, data, saves=True)

    def answer(self, request: HttpRequest, obj: Integration) -> HttpResponse:
        return self._preview(request, obj) if request.POST.get("preview") else super().answer(request, obj)

    def perform(self, actor: str, obj: Integration, values: Values) -> str:
        now = Integration.objects.select_for_update(of=("self",)).select_related("policy").get(pk=obj.pk)
        if changed := _changed_meanwhile(now, values["before"]):
            obj.policy, obj.response_shape = now.policy, now.response_shape  # for the page that comes back
            raise Conflict(changed)
        obj = now
        changes: dict[str, Any] = {"response_shape": {}} if obj.response_shape != values["response_shape"] else {}
        if obj.policy_id != values["policy"].pk:
            changes["policy"] = {"from": str(obj.policy_id), "to": str(values["policy"].pk)}
        obj.policy, obj.response_shape = values["policy"], values["response_shape"]
        try:
            obj.full_clean()
        except ValidationError as error:
            raise Conflict(" ".join(error.messages)) from None
        obj.save(update_fields=["policy", "response_shape"])
        accepted = {"accepted_changed_answers": values["accepted"]} if "accepted" in values else {}
        if changes:
            record(Line.about(obj, "integration.changed", actor, {"changes": changes} | accepted))
        return "Saved. The next exchange is answered so."

    def _preview(self, request: HttpRequest, obj: Integration) -> HttpResponse:
        if wait := too_many(request):
            return JsonResponse({"problem": wait})
        form = _form(request, obj, request.POST)
        if not form.is_valid():
            wrong = form.errors.get("response_shape") or form.errors.get("policy") or ["This is not valid JSON."]
            return JsonResponse({"problem": " ".join(map(str, wrong))})
        try:
            shown = preview(form.shown, form.cleaned_data["policy"], form.cleaned_data["response_shape"])
            return JsonResponse({"answer": _text(shown, indent=2), "notes": form.notes()})
        except ValidationError as error:
            return JsonResponse({"problem": " ".join(error.messages), "notes": form.notes()[1:]})


def _seen(integration: Integration) -> str:
    return f"{integration.policy_id} {_text(integration.response_shape)}"


def _changed_meanwhile(integration: Integration, before: str | None) -> str:
    """Say what is there now, where the form was made for something else; empty where it was not."""
    if before == _seen(integration):
        return ""
    now = f"{_text(integration.response_shape)}, with the policy {integration.policy}"
    return (
        f"Somebody else has changed the answer since you opened this page. It is now {now}. What you typed is kept "
        "below. Look at it, and save again if it still holds."
    )


def _form(request: HttpRequest, obj: Integration, data: Any, *, saves: bool = False) -> ShapeJSONForm:
    """Make the form of the view that is asked for, or was sent: the table, unless it cannot show what is there."""
    fits = fits_the_table(obj.response_shape)
    as_json = "response_shape" in data if data else request.GET.get("view") == "json" or not fits
    form = (ShapeJSONForm if as_json else ShapeForm)(obj, data, saves=saves)
    if fits:
        link_other_view(form.fields["response_shape"], as_json=as_json)
    return form


def link_other_view(field: Any, *, as_json: bool) -> None:
    """Lead from the table to the JSON of the same page, and back."""
    title, query = ("Edit in a table", "") if as_json else ("Edit as JSON, for experts", "view=json")
    field.help_text = format_html("{} {}", field.help_text, link_of_view(f"?{query}", title))


def preview(example: Example, policy: CredentialPolicy, shape: Any) -> dict[str, Any]:
    """Fill ``shape`` for this installation, values masked. Raises ValidationError.

    As in an exchange, the credential is the one that is there: what another policy makes comes after it.
    """
    found, present = example
    end_user = {"external_id": found.end_user.external_id or "…", **found.end_user.attributes} if found else {}
    sources = {
        "credential": dict.fromkeys(policy.value_names() if present is None else present, MASK),
        "end_user": end_user or {"external_id": "…"},
        "installation": found.attributes if found else {},
    }
    try:
        return fill(as_stored(shape), sources)
    except MissingAttributes as error:
        of_policy = {CREDENTIAL: error.names.get(CREDENTIAL, ())} if present is not None else {}
        others = {kind: names for kind, names in error.names.items() if kind not in of_policy}
        told = []
        if others:
            whose = f"of {found}" if found else "that has none"
            told.append(f"For the installation {whose}, the {MissingAttributes(others)}. Others may have it.")
        if any(of_policy.values()):
            values = " and no value ".join(of_policy[CREDENTIAL])
            told.append(
                f"The credential that {found} is handed now has no value {values}. One that the policy {policy} "
                "makes has it: rotate the present one, or replace its values."
            )
        raise ValidationError(told) from None


def example_of(integration: Integration) -> Example:
    """Choose the installation that a preview shows: of the newest few the first that is answered today, if one is."""
    rows = Installation.objects.filter(integration=integration).select_related("end_user", "integration__policy")
    newest = list(rows.order_by("-created_at")[:LOOKED_AT])
    answers = answer_each([each for each in newest if _is_let_in(each)], Look())
    answered = (each for each, answer in answers.items() if answer.fields is not None)
    found = next(answered, newest[0] if newest else None)
    return Example(found, names_handed_out(found) if found else None)


def _is_let_in(installation: Installation) -> bool:
    return installation.state == Installation.State.ACTIVE and installation.end_user.is_active


def _text(shape: Any, indent: int | None = None) -> str:
    return json.dumps(shape, ensure_ascii=False, indent=indent, sort_keys=indent is None)

"""Edits a response shape, with the answer beside it as it would be, while it is typed."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse, JsonResponse
from unfold.widgets import UnfoldAdminTextareaWidget

from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.widgets import JSONField
from credservice.audit import Line, record
from credservice.core.exceptions import Conflict
from exchange.models import Installation, Integration
from exchange.services.dry_run import MASK
from exchange.shapes import MissingAttribute, fill


class ShapeForm(forms.Form):
    response_shape = JSONField(
        help_text="Fields of the answer: a text as it is, or a source: $credential.NAME, $end_user.external_id, "
        "$end_user.ATTRIBUTE, $installation.ATTRIBUTE. A literal dollar sign is $$.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10, "data-preview": "The answer", "spellcheck": "false"}),
    )
    # What was there when the form was opened: somebody else's change is not overwritten.
    before = forms.CharField(widget=forms.HiddenInput(), required=False)

    class Media:
        js = (Script("exchange/preview.js", defer=True),)


class EditShape(ObjectAction):
    slug, title, icon = "shape", "Edit the answer", "data_object"
    submit = "Save"
    needs_proof = True
    form_class = ShapeForm

    def allowed(self, request: HttpRequest, obj: Integration | None = None) -> bool:
        """Ask for the right to change policies as well: the shape decides what of a credential is handed out."""
        return super().allowed(request, obj) and request.user.has_perm("credentials.change_credentialpolicy")

    def proof_first(self, request: HttpRequest) -> HttpResponse | None:
        """Ask for no proof of who only previews: the values are masked, and nothing is saved."""
        return None if request.POST.get("preview") else super().proof_first(request)

    def make_form(self, request: HttpRequest, obj: Integration, data: Any = None) -> forms.Form:
        now = {"response_shape": obj.response_shape, "before": _text(obj.response_shape)}
        return ShapeForm(data, initial=now)

    def answer(self, request: HttpRequest, obj: Integration) -> HttpResponse:
        return self._preview(request, obj) if request.POST.get("preview") else super().answer(request, obj)

    def perform(self, actor: str, obj: Integration, values: Values) -> str:
        obj = Integration.objects.select_for_update(of=("self",)).select_related("policy").get(pk=obj.pk)
        if values["before"] != _text(obj.response_shape):
            raise Conflict(
                f"Somebody else changed it meanwhile, to: {_text(obj.response_shape)}. Yours is below still."
            )
        obj.response_shape = values["response_shape"]
        try:
            obj.full_clean()
        except ValidationError as error:
            raise Conflict(" ".join(error.messages)) from None
        obj.save(update_fields=["response_shape"])
        record(Line.about(obj, "integration.changed", actor, {"changes": {"response_shape": {}}}))
        return "Saved. The next exchange is answered so."

    def _preview(self, request: HttpRequest, obj: Integration) -> HttpResponse:
        form = ShapeForm(request.POST)
        if not form.is_valid():
            return JsonResponse({"problem": str(form.errors.get("response_shape", ["This is not valid JSON."])[0])})
        try:
            return JsonResponse({"answer": _text(preview(obj, form.cleaned_data["response_shape"]), indent=2)})
        except ValidationError as error:
            return JsonResponse({"problem": " ".join(error.messages)})


def preview(integration: Integration, shape: Any) -> dict[str, Any]:
    """Fill ``shape`` for the newest installation, values masked. Raises ValidationError."""
    integration.response_shape = shape
    integration.full_clean()
    newest = Installation.objects.filter(integration=integration).select_related("end_user").order_by("-created_at")
    found = newest.first()
    end_user = {"external_id": found.end_user.external_id or "…", **found.end_user.attributes} if found else {}
    sources = {
        "credential": dict.fromkeys(integration.policy.value_names(), MASK),
        "end_user": end_user or {"external_id": "…"},
        "installation": found.attributes if found else {},
    }
    try:
        return fill(shape, sources)
    except MissingAttribute as error:
        whose = f"of {found}" if found else "that has none"
        raise ValidationError(f"For the installation {whose}, the {error}. Others may have it.") from None


def _text(shape: Any, indent: int | None = None) -> str:
    return json.dumps(shape, ensure_ascii=False, indent=indent, sort_keys=indent is None)

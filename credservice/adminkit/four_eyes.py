"""Has an act wait for a second person, where that is switched on (see :mod:`credservice.adminkit.approvals`)."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from credservice.accounts.recent_proof import refuse_late
from credservice.adminkit import approvals
from credservice.adminkit.form_ids import use_up
from credservice.adminkit.models import Approval
from credservice.adminkit.object_actions import ObjectAction, Shown, Values
from credservice.adminkit.state_pages import WhyForm
from credservice.core.exceptions import ServiceError


class SecondPerson(ObjectAction):
    """Asks first, then waits, then does it: what was asked for is what is done, its reason too.

    ``four_eyes`` is the act's name in FOUR_EYES. Stands before the page's own class.
    """

    four_eyes: ClassVar[str]

    def act_of(self, obj: Any) -> str:
        """Name the act that needs a second person now; empty where none does."""
        return self.four_eyes if approvals.required(self.four_eyes) else ""

    def permission_of(self, obj: Any) -> str:
        """Name the permission that both persons must have."""
        return self.permission

    def form_to_ask(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        return WhyForm(data)

    def told_to_second(self, request: HttpRequest, obj: Any, approval: Approval) -> list[str]:
        """Tell who decides what the person who asked was told, with what was chosen in the form's own words."""
        fields = self.form_to_ask(request, obj).fields
        labels = {name: field.label for name, field in fields.items() if field.label}
        chosen = [
            f"{labels.get(name, name.replace('_', ' '))}: {_word(value)}."
            for name, value in approval.values.items()
            if name != "why"
        ]
        return [*chosen, *self.consequences(obj)]

    def title_to_ask(self, obj: Any) -> str:
        return f"{self.title} {obj._meta.verbose_name} {self.admin.object_title(obj)}"

    def make_form(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        """Fill in what was approved: it is not typed anew."""
        form: forms.Form = super().make_form(request, obj, data)
        approval = self._approval(request, obj)
        for name in (approval.values if approval else {}).keys() & form.fields.keys():
            form.fields[name].disabled, form.fields[name].initial = True, approval and approval.values[name]
        return form

    def version(self, request: HttpRequest, obj: Any) -> str:
        """Tell a form that was opened before the decision from one that is sent after it."""
        approval = self._approval(request, obj)
        return f"{super().version(request, obj)} {self.act_of(obj)} {approval and approval.state}"

    def carry_out(self, request: HttpRequest, obj: Any, values: Values) -> str | Shown:
        act = self.act_of(obj)
        if act:
            approvals.take(act, obj, request.user)
        return super().carry_out(request, obj, values)

    def answer(self, request: HttpRequest, obj: Any) -> HttpResponse:
        act = self.act_of(obj)
        if not act or self.refusal(obj):
            return super().answer(request, obj)
        approval = self._approval(request, obj)
        if approval is None:
            return self._answer_unasked(request, obj, act)
        if approval.state == Approval.State.WAITING:
            return self.ask(request, obj, forms.Form(), {"refusal": _waiting(approval)})
        return super().answer(request, obj)

    def ask(
        self, request: HttpRequest, obj: Any, form: forms.Form, context: dict[str, Any] | None = None
    ) -> HttpResponse:
        approval = self._approval(request, obj)
        approved = {"consequences": [_approved(approval), *self.consequences(obj)]} if approval else {}
        return super().ask(request, obj, form, approved | (context or {}))

    def _approval(self, request: HttpRequest, obj: Any) -> Approval | None:
        act = self.act_of(obj)
        return approvals.find(act, obj, request.user) if act else None

    def _answer_unasked(self, request: HttpRequest, obj: Any, act: str) -> HttpResponse:
        form = self.form_to_ask(request, obj, request.POST if request.method == "POST" else None)
        if request.method == "POST" and not refuse_late(request, form) and form.is_valid():
            try:
                self._ask_for(request, obj, act, form)
                return HttpResponseRedirect(self.url(obj))
            except ServiceError as error:
                form.add_error(None, error.message)
        sentences = [
            "This needs a second person: say why, and somebody else who may do the same approves or declines it.",
            *self.consequences(obj),
        ]
        return self.ask(request, obj, form, {"consequences": sentences, "submit_label": "Ask for approval"})

    def _ask_for(self, request: HttpRequest, obj: Any, act: str, form: forms.Form) -> None:
        with transaction.atomic():
            use_up(request, self.version(request, obj))
            approvals.ask(
                act=act,
                obj=obj,
                permission=self.permission_of(obj),
                user=request.user,
                title=self.title_to_ask(obj),
                values=form.cleaned_data,
            )
        messages.success(request, "Asked. Come back to this page when somebody has approved it.")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _approved(approval: Approval) -> str:
    said = f": {approval.answer}" if approval.answer else ""
    return f"{approval.decided_by} has approved it{said}. Until {approval.expires_at:%H:%M} UTC, and once."


def _waiting(approval: Approval) -> str:
    return (
        f"You asked for this at {approval.asked_at:%H:%M} UTC. It waits for another person, who finds it under "
        f"Approvals, until {approval.expires_at:%H:%M} UTC."
    )

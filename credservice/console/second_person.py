"""Pages whose act waits for a second person, where that is switched on (see :mod:`credservice.console.approvals`)."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from credservice.console import approvals
from credservice.console.models import Approval
from credservice.console.pages import ObjectPage, use_up
from credservice.console.switch import WhyForm
from credservice.exceptions import ServiceError


class SecondPerson(ObjectPage):
    """Asks first, then waits, then does it: what was asked for is what is done, its reason too.

    ``four_eyes`` is the act's name in FOUR_EYES. Stands before the page's own class.
    """

    four_eyes: ClassVar[str]

    def act_of(self, obj: Any) -> str:
        """The act that needs a second person now; empty where none does."""
        return self.four_eyes if approvals.required(self.four_eyes) else ""

    def permission_of(self, obj: Any) -> str:
        """What both persons must have."""
        return self.permission

    def form_to_ask(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        return WhyForm(data)

    def title_to_ask(self, obj: Any) -> str:
        return f"{self.title} {obj._meta.verbose_name} {getattr(obj, 'console_title', obj)}"

    def make_form(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        """What was approved is not typed anew."""
        form: forms.Form = super().make_form(request, obj, data)
        act = self.act_of(obj)
        approval = approvals.find(act, obj, request.user) if act else None
        for name in (approval.values if approval else {}).keys() & form.fields.keys():
            form.fields[name].disabled, form.fields[name].initial = True, approval and approval.values[name]
        return form

    def before(self, request: HttpRequest, obj: Any) -> None:
        act = self.act_of(obj)
        if act:
            approvals.take(act, obj, request.user)

    def version(self, obj: Any, request: HttpRequest) -> str:
        """A form that was opened before the decision is not the one that is sent after it."""
        act = self.act_of(obj)
        approval = approvals.find(act, obj, request.user) if act else None
        return f"{super().version(obj, request)} {act} {approval and approval.state}"

    def answer(self, request: HttpRequest, obj: Any) -> HttpResponse:
        act = self.act_of(obj)
        if not act or self.refusal(obj):
            return super().answer(request, obj)
        approval = approvals.find(act, obj, request.user)
        if approval is None:
            return self._answer_unasked(request, obj, act)
        if approval.state == Approval.State.WAITING:
            return self.ask(request, obj, forms.Form(), {"refusal": _waiting(approval)})
        return super().answer(request, obj)

    def consequences_for(self, request: HttpRequest, obj: Any) -> list[str]:
        act = self.act_of(obj)
        approval = approvals.find(act, obj, request.user) if act else None
        if approval is None:
            return super().consequences_for(request, obj)
        said = f": {approval.answer}" if approval.answer else ""
        approved = f"{approval.decided_by} has approved it{said}. Until {approval.expires_at:%H:%M} UTC, and once."
        return [approved, *super().consequences_for(request, obj)]

    def _answer_unasked(self, request: HttpRequest, obj: Any, act: str) -> HttpResponse:
        form = self.form_to_ask(request, obj, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
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
            use_up(request, self.version(obj, request))
            approvals.ask(
                act=act,
                obj=obj,
                permission=self.permission_of(obj),
                user=request.user,
                title=self.title_to_ask(obj),
                values=form.cleaned_data,
            )
        messages.success(request, "Asked. Come back to this page when somebody has approved it.")


def _waiting(approval: Approval) -> str:
    return (
        f"You asked for this at {approval.asked_at:%H:%M} UTC. It waits for another person, who finds it under "
        f"Approvals, until {approval.expires_at:%H:%M} UTC."
    )

"""Suspends, resumes and the like: acts that set one field of a row."""

from typing import Any, ClassVar

from django import forms
from unfold.enums import ActionVariant

from credservice.adminkit.bulk import BulkAction
from credservice.adminkit.object_actions import ObjectAction, Values
from credservice.adminkit.widgets import ReasonField
from credservice.audit.state_change import change_state
from credservice.core.exceptions import Conflict


class WhyForm(forms.Form):
    why = ReasonField()


class OptionalWhyForm(forms.Form):
    why = ReasonField(required=False)


class Switch(ObjectAction):
    """From one of ``source`` to ``target``; ``verb`` is both the audit log's word and the operator's."""

    field: ClassVar[str] = "is_active"
    source: ClassVar[tuple[Any, ...]]
    target: ClassVar[Any]
    verb: ClassVar[str]
    form_class: ClassVar[type[forms.Form]] = OptionalWhyForm

    def refusal(self, obj: Any) -> str:
        if getattr(obj, self.field) in self.source:
            return ""
        return f"This {obj._meta.verbose_name} cannot be {self.verb} in its present state."

    def perform(self, actor: str, obj: Any, values: Values) -> str:
        if self.refusal(obj):
            raise Conflict(f"This {obj._meta.verbose_name} cannot be {self.verb} now: its state has changed.")
        self.switch(obj, actor=actor, why=values.get("why", ""))
        return f"{obj} is {self.verb}."

    def switch(self, obj: Any, *, actor: str, why: str) -> None:
        """Set the field. Where more changes with it, the service function that does both."""
        change_state(
            obj=obj, field=self.field, source=self.source, target=self.target, verb=self.verb, actor=actor, why=why
        )

    @classmethod
    def bulk(cls, *, done: str = "", **differs: Any) -> BulkAction:
        return super().bulk(done=done or cls.verb.capitalize(), **differs)


class Suspend(Switch):
    slug, title, icon, verb = "suspend", "Suspend", "pause_circle", "suspended"
    permission = "suspend"
    variant = ActionVariant.DANGER
    source: ClassVar[tuple[Any, ...]] = (True,)
    target: ClassVar[Any] = False
    form_class = WhyForm


class Resume(Switch):
    slug, title, icon, verb = "resume", "Resume", "play_circle", "resumed"
    permission = "suspend"
    variant = ActionVariant.SUCCESS
    source: ClassVar[tuple[Any, ...]] = (False,)
    target: ClassVar[Any] = True

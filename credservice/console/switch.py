"""Suspend, resume and their like: pages and bulk actions that set one field of a row."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from unfold.enums import ActionVariant

from credservice.console.actor import actor_of
from credservice.console.bulk import BulkAction, Values
from credservice.console.pages import ObjectPage
from credservice.console.states import change_state
from credservice.console.widgets import ReasonField
from credservice.exceptions import Conflict


class WhyForm(forms.Form):
    why = ReasonField()


class OptionalWhyForm(forms.Form):
    why = ReasonField(required=False)


class Switch(ObjectPage):
    """From one of ``source`` to ``target``; ``verb`` is both the trail's word and the operator's."""

    field: ClassVar[str] = "is_active"
    source: ClassVar[tuple[Any, ...]]
    target: ClassVar[Any]
    verb: ClassVar[str]
    consequence: ClassVar[str]
    form_class: ClassVar[type[forms.Form]] = OptionalWhyForm

    def refusal(self, obj: Any) -> str:
        if getattr(obj, self.field) in self.source:
            return ""
        return f"This {obj._meta.verbose_name} cannot be {self.verb} in its present state."

    def consequences(self, obj: Any) -> list[str]:
        return [self.consequence]

    def perform(self, request: HttpRequest, obj: Any, form: forms.Form) -> str:
        self.change(actor_of(request), obj, form.cleaned_data)
        return f"{obj} is {self.verb}."

    def change(self, actor: str, obj: Any, values: Values) -> None:
        if self.refusal(obj):
            raise Conflict(f"This {obj._meta.verbose_name} cannot be {self.verb} now: its state has changed.")
        self.switch(obj, actor=actor, why=values.get("why", ""))

    def switch(self, obj: Any, *, actor: str, why: str) -> None:
        """Set the field. Where more changes with it, the service function that does both."""
        change_state(
            obj=obj, field=self.field, source=self.source, target=self.target, verb=self.verb, actor=actor, why=why
        )

    @classmethod
    def bulk(cls) -> BulkAction:
        """The same for ticked rows of a list."""
        page = cls(None)
        return BulkAction(
            cls.slug.replace("-", "_"),
            cls.title,
            page.change,
            consequence=cls.consequence,
            done=cls.verb.capitalize(),
            permission=cls.permission,
            form_class=cls.form_class,
            danger=cls.variant is ActionVariant.DANGER,
        )


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

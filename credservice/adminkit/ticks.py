"""Asks for a tick before a form is sent that changes what live customers get, or has them refused."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldBooleanWidget

TICK = "confirmed"


def ask_for_tick(form: Any, *, label: str, told: Iterable[str], how: str, accepts: Iterable[str]) -> bool:
    """Add the tick to a bound form, with what is ``told`` beside it. Returns whether it was set.

    It holds for what it ``accepts``: after another change it is asked for again.
    """
    foretold = hashlib.sha256(json.dumps([*accepts]).encode()).hexdigest()[:16]
    form.fields[TICK] = forms.BooleanField(
        label=label,
        help_text=format_html_join("", "<div>{}</div>", ((sentence,) for sentence in told)),
        required=False,
        widget=UnfoldBooleanWidget(attrs={"value": foretold}),
    )
    if form.data.get(TICK) == foretold:
        return True
    assert isinstance(form.data, QueryDict)
    form.data = form.data.copy()
    form.data.pop(TICK, None)
    form.add_error(TICK, f"Nothing is saved yet. {how}")
    return False


def needed_tick(label: str, *, help_text: str, missing: str) -> forms.BooleanField:
    """Make the tick of a page that asks for one while its act would hit somebody. ``missing`` says what to do."""
    return forms.BooleanField(
        label=label, help_text=help_text, error_messages={"required": missing}, widget=UnfoldBooleanWidget()
    )


class TickedForm(forms.ModelForm):  # type: ignore[type-arg]
    @cached_property
    def changed_data(self) -> list[str]:
        """List what the trail is to name: the tick is no field of the row."""
        return [name for name in super().changed_data if name != TICK]


class TickedPage(ModelAdmin):
    """Shows the tick of a :class:`TickedForm` beside the field ``tick_beside``."""

    tick_beside: ClassVar[str]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        shown = context["adminform"]
        if TICK in shown.form.fields:
            shown.fieldsets = [
                (name, options | {"fields": self._with_tick(options["fields"])}) for name, options in shown.fieldsets
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    def _with_tick(self, names: Iterable[Any]) -> list[Any]:
        return [shown for name in names for shown in ((name, TICK) if name == self.tick_beside else (name,))]

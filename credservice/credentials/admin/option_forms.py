"""Makes forms of the options that issuers and probes declare."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from credservice.adminkit.nested_forms import Maker, ObjectForm, Variant, Variants
from credservice.adminkit.widgets import JSONField, LinesField, PairsField, SecondsField, span
from credservice.issuers import get_issuer, issuer_choices
from credservice.issuers.base import Issuer
from credservice.issuers.options import Choice, JSONObject, Lines, Number, Option, OptionsError, Pairs, Seconds, Text
from credservice.issuers.probes import PROBES


class OptionsForm(ObjectForm):
    """Asks for declared options; an empty field leaves its option out.

    What ``current`` holds is kept as it is written there, unless the field was changed: also what the form shows the
    same, such as a list of one text, and what is not declared, for the issuer to refuse.
    """

    def __init__(self, declared: Iterable[Option], current: Mapping[str, Any], data: Any, prefix: str) -> None:
        self._declared, self._current = {option.name: option for option in declared}, current
        super().__init__(data, prefix=prefix, initial=dict(current))
        self.fields.update({name: _field(option, current.get(name)) for name, option in self._declared.items()})

    def clean(self) -> dict[str, Any]:
        data = {name: value for name, value in self._current.items() if name not in self._declared}
        for name in list(self.cleaned_data):
            value = self._read(name)
            if value not in self.fields[name].empty_values:
                data[name] = value
                self._check(name, value)
        return data

    def _read(self, name: str) -> Any:
        typed, field, kind = self.cleaned_data[name], self.fields[name], self._declared[name].kind
        try:
            if name in self._current and field.to_python(field.prepare_value(self._current[name])) == typed:
                return self._current[name]
        except ValidationError:
            pass  # it was none of its kind
        return typed[0] if isinstance(kind, Lines) and kind.or_one and len(typed) == 1 else typed

    def _check(self, name: str, value: Any) -> None:
        try:
            self._declared[name].check(value)
        except OptionsError as error:
            self.add_error(name, at_field(name, f"{error}."))


class AnyOptionsForm(ObjectForm):
    """Asks for the options of an issuer that declares none."""

    options = JSONField(
        required=False,
        widget=UnfoldAdminTextareaWidget,
        label="Options",
        help_text="A JSON object: see the documentation of this issuer.",
    )

    def value(self) -> dict[str, Any]:
        return self.cleaned_data["options"] or {}


def at_field(name: str, sentence: str) -> str:
    """Write what is wrong with an option as it reads at the option's own field."""
    phrase = sentence.removeprefix(f"{name} ")
    return f"{phrase[:1].upper()}{phrase[1:]}"


def asks_for_options(issuer: Issuer, current: Mapping[str, Any]) -> Maker | None:
    """Make the form of this issuer's options. None: it declares none."""
    declared = issuer.policy_options()
    return None if declared is None else lambda data, name: OptionsForm(declared, current, data, name)


def asks_for_issuer(chosen: str) -> Maker:
    """Offer every issuer with the form of its options; radio buttons named ``issuer`` choose."""

    def make(data: Any, name: str) -> Variants:
        choices = {}
        for alias, _ in issuer_choices():
            try:
                issuer = get_issuer(alias)
            except ImproperlyConfigured:
                continue  # the checks at the start tell
            asks = asks_for_options(issuer, {})
            form = asks(data, f"{name}-{alias}") if asks else AnyOptionsForm(data, prefix=f"{name}-{alias}")
            assert isinstance(form, ObjectForm)
            choices[alias] = Variant(alias, issuer.about, form)
        return Variants("issuer", data.get("issuer", "") if data is not None else chosen, choices)

    return make


def asks_for_probe(current: Mapping[str, Any]) -> Maker:
    """Offer no trial, or one of each kind."""
    now = current.get("type", "")

    def make(data: Any, name: str) -> Variants:
        options = {key: value for key, value in current.items() if key != "type"}
        choices = {"": Variant("None", "Credentials are handed out as they come from the issuer.")} | {
            kind: Variant(
                kind, probe.about, OptionsForm(probe.options, options if kind == now else {}, data, f"{name}-{kind}")
            )
            for kind, probe in PROBES.items()
        }
        return Variants(f"{name}-type", now if data is None else data.get(f"{name}-type", ""), choices, key="type")

    return make


def _field(option: Option, current: Any) -> forms.Field:
    make = _FIELDS[type(option.kind)]
    shown = _shown_default(option)
    return make(
        option,
        current,
        label=option.name.replace("_", " ").capitalize(),
        help_text=f"{option.help} Empty: {shown}." if shown != "" else option.help,
        required=option.required,
    )


def _shown_default(option: Option) -> Any:
    """Write the default as it would be typed; empty where the field itself shows it, or there is none."""
    if option.default in ({}, None) or isinstance(option.kind, Choice):
        return ""
    if isinstance(option.kind, Seconds):
        return span(timedelta(seconds=option.default))
    if isinstance(option.default, dict):
        return PairsField().prepare_value(option.default).replace("\n", ", ")
    return option.default


def _text(_: Option, __: Any, **kwargs: Any) -> forms.Field:
    return forms.CharField(widget=UnfoldAdminTextInputWidget, **kwargs)


def _number(option: Option, _: Any, **kwargs: Any) -> forms.Field:
    assert isinstance(option.kind, Number)
    widget = UnfoldAdminIntegerFieldWidget(attrs={} if option.kind.whole else {"step": "any"})
    return (forms.IntegerField if option.kind.whole else forms.FloatField)(widget=widget, **kwargs)


def _seconds(option: Option, _: Any, **kwargs: Any) -> forms.Field:
    assert isinstance(option.kind, Seconds)
    return SecondsField(least=option.kind.least, most=option.kind.most, **kwargs)


def _choice(option: Option, current: Any, **kwargs: Any) -> forms.Field:
    assert isinstance(option.kind, Choice)
    # One that settings have dropped is still shown, and refused.
    values = dict.fromkeys([*option.kind.values, *([str(current)] if current is not None else [])])
    choices = [("", f"{option.default} (default)"), *((value, value) for value in values)]
    return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **kwargs)


_FIELDS: Mapping[type, Callable[..., forms.Field]] = {
    Text: _text,
    Number: _number,
    Seconds: _seconds,
    Choice: _choice,
    Lines: lambda _, __, **kwargs: LinesField(**kwargs),
    Pairs: lambda _, __, **kwargs: PairsField(**kwargs),
    JSONObject: lambda _, __, **kwargs: JSONField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), **kwargs),
}

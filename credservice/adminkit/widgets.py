"""Takes texts, secrets, JSON, networks, spans of time and reasons in forms."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from unfold.widgets import TEXTAREA_CLASSES, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from credservice.audit.reasons import HOLDS_KEY, MAX_REASON, holds_key
from credservice.core.names import NAME_FORM, PLAIN_ERRORS, validate_name
from credservice.core.time_spans import AT_MOST, MAX_SPAN
from credservice.http.strict_json import parse_object

MAX_SECRET_CHARACTERS = 16 * 1024


def uncut(widget: forms.Widget) -> None:
    """Let a browser send all that was pasted, for the field to refuse: it would cut a longer text without a word."""
    widget.attrs.pop("maxlength", None)


class CharField(forms.CharField):
    """Takes a text whose end is not cut off, and tells the limit in plain words."""

    default_error_messages: ClassVar[Any] = PLAIN_ERRORS

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        uncut(self.widget)


class SlugField(CharField, forms.SlugField):
    """Takes a name that stands in addresses and commands."""

    default_error_messages: ClassVar[Any] = {"invalid": f"{NAME_FORM}."}


def text_field(label: str, help_text: str = "", **options: Any) -> forms.CharField:
    """Take an id or a name, by the rule that they all have."""
    return CharField(
        label=label,
        help_text=help_text,
        validators=[validate_name],
        **{"max_length": 255, "widget": UnfoldAdminTextInputWidget(), **options},
    )


class SecretTextarea(forms.Textarea):
    """Takes a secret of one or several lines, shown as dots, and never writes one back into a page."""

    def __init__(self) -> None:
        attrs = {
            "rows": 1,
            "class": " ".join([*TEXTAREA_CLASSES, "console-secret"]),
            "autocomplete": "off",
            "autocapitalize": "off",
            "spellcheck": "false",
            "data-1p-ignore": "",
            "data-lpignore": "true",
        }
        super().__init__(attrs)

    def format_value(self, value: Any) -> str:
        return ""


class _SecretBox(forms.BoundField):
    """Shows a secret's box, which is empty in a form that comes back: where something was typed, it says so."""

    @property
    def errors(self) -> Any:
        found = super().errors
        if found or not self.data or not self.form.errors:
            return found
        return self.form.error_class(["Enter it again: it was not kept."], renderer=self.form.renderer)


class SecretField(CharField):
    """Takes a secret as pasted: blanks around a single line are dropped, lines of a longer one are kept as they are."""

    widget = SecretTextarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **{"max_length": MAX_SECRET_CHARACTERS, "widget": SecretTextarea(), **kwargs})

    def to_python(self, value: Any) -> str | None:
        text = (super().to_python(value) or "").replace("\r\n", "\n")  # browsers send CRLF
        return text if "\n" in text.strip() else text.strip()

    def get_bound_field(self, form: Any, field_name: str) -> forms.BoundField:
        return _SecretBox(form, self, field_name)


def is_secret(field: forms.Field) -> bool:
    """Tell whether what is typed here must not be kept outside of a seal."""
    return isinstance(field.widget, SecretTextarea | forms.PasswordInput)


class JSONField(forms.JSONField):
    """Takes JSON with one meaning: no duplicate keys, no NaN, nothing that the database cannot hold.

    Where something is needed, an object or a list that holds nothing is refused as an empty box is.
    """

    default_error_messages: ClassVar[Any] = {"required": "Write JSON that holds something: {} and [] do not."}

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return super().to_python(value)
        try:
            parse_object(f'{{"value": {value}}}'.encode(errors="surrogatepass"))
            json.loads(str(value))
        except ValueError as error:
            unread = isinstance(error, json.JSONDecodeError) or "valid JSON" in str(error)
            message = _not_json(str(value)) if unread else str(error)
            raise ValidationError(message.replace("The body", "This text")) from None
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show, in a form that comes back, what was typed as it was typed."""
        return initial if self.disabled else InvalidJSONInput(data or "")

    def prepare_value(self, value: Any) -> Any:
        if value is None:
            return ""
        if isinstance(value, dict | list) and value:
            return json.dumps(value, indent=2, ensure_ascii=False)
        return super().prepare_value(value)


def _not_json(text: str) -> str:
    """Say where it is none, as somebody who typed it counts, and as the vendor API does."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"This is not valid JSON, at line {error.lineno}, column {error.colno}."
    return "This is not valid JSON."


class LinesField(forms.CharField):
    """Takes several texts, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"widget": UnfoldAdminTextareaWidget(attrs={"rows": 2}), **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class NetworksField(LinesField):
    """Takes networks in CIDR form, one a line; commas will do. The model says which are none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        return " ".join(super().to_python(value)).replace(",", " ").split()


class PairsField(LinesField):
    """Takes texts by their names, such as ``url = DATABASE_URL``, one a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{name} = {text}" for name, text in value.items()) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        found: dict[str, str] = {}
        for line in super().to_python(value):
            name, equals, text = (part.strip() for part in line.partition("="))
            if not equals or name in found:
                raise ValidationError("Write a name, = and a text in each line, and each name once.")
            found[name] = text
        return found


_UNITS: Mapping[str, int] = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_WORDS = {
    word: words[0]
    for words in ("d day days", "h hr hrs hour hours", "m min mins minute minutes", "s sec secs second seconds")
    for word in words.split()
}
_COUNT = r"(\d{1,99})\s*([a-z]+)"
_SPAN = re.compile(rf"\s*{_COUNT}(?:(?:\s*,)?(?:\s+and\b)?\s*{_COUNT})*\s*", re.ASCII)
# Django takes these for seconds, their parts, days and seconds, or minutes and seconds: people mean days, thousands, or
# hours and minutes.
_WITHOUT_UNIT = re.compile(r"\s*[+-]?\d+([\s.,:]+\d+)?\s*")
_TOO_LONG = f"Write {AT_MOST}."


class DurationField(forms.DurationField):
    """Takes a span of time as people write it: ``90d``, ``15 minutes``, ``1h30m``; Django's own form as well.

    A number needs its unit, but for 0. Its help text ends by saying so.
    """

    widget = UnfoldAdminTextInputWidget
    default_error_messages: ClassVar[Any] = {
        "invalid": "Write a number with its unit, such as 15 minutes, 24h, 90d or 1h30m.",
        "overflow": _TOO_LONG,
    }

    def __init__(self, *, help_text: str = "", **kwargs: Any) -> None:
        super().__init__(help_text=f"{help_text} Such as 15 minutes, 24h or 90d.".strip(), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return span(value) if isinstance(value, timedelta) else value

    def to_python(self, value: Any) -> timedelta | None:
        if isinstance(value, str) and _WITHOUT_UNIT.fullmatch(value) and value.strip() != "0":
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        typed = _read_span(value) if isinstance(value, str) else None
        found: timedelta | None = super().to_python(value) if typed is None else typed
        if found is not None:
            self.check_bounds(found)
        return found

    def check_bounds(self, found: timedelta) -> None:
        """Raise ValidationError, with the limits, where the time is too short or too long."""
        if found < timedelta(0):
            raise ValidationError("Write a time of zero or more.")
        if found > MAX_SPAN:
            raise ValidationError(_TOO_LONG)


def _read_span(text: str) -> timedelta | None:
    """Read numbers with their units, each unit once; None where it is anything else."""
    text = text.lower()
    counts = [(int(count), _WORDS.get(word)) for count, word in re.findall(_COUNT, text)]
    units = [unit for _, unit in counts]
    if not _SPAN.fullmatch(text) or None in units or len(set(units)) < len(units):
        return None
    seconds = sum(count * _UNITS[unit] for count, unit in counts if unit)
    return timedelta(seconds=min(seconds, MAX_SPAN.total_seconds() + 1))  # more would not fit; too long it is


class SecondsField(DurationField):
    """Takes a span of time within bounds, as a whole number of seconds."""

    def __init__(self, *, least: float, most: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._least, self._most = timedelta(seconds=least), timedelta(seconds=most)
        self._wanted = f"Write a time from {span(self._least)} to {span(self._most)}."
        self.error_messages["overflow"] = self._wanted

    def prepare_value(self, value: Any) -> Any:
        is_count = isinstance(value, int) and not isinstance(value, bool)
        return super().prepare_value(timedelta(seconds=value) if is_count else value)

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        return None if found is None else int(found.total_seconds())

    def check_bounds(self, found: timedelta) -> None:
        if not self._least <= found <= self._most:
            raise ValidationError(self._wanted)


def span(value: timedelta) -> str:
    """Write a span of time: ``1h30m``; ``0s`` for none."""
    seconds, text = int(value.total_seconds()), ""
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


class ReasonField(CharField):
    """Asks why something is done that cannot be undone; kept in the audit log."""

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "label": "Reason",
            "min_length": 3,
            "max_length": MAX_REASON,
            "help_text": "Kept in the audit trail. Write no secret here.",
            "widget": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        }
        super().__init__(**defaults | kwargs)
        self.help_text = f"{self.help_text} At least {self.min_length} characters, at most {self.max_length}."

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if holds_key(text):
            raise ValidationError(HOLDS_KEY)
        return text

"""Parses bodies strictly: a field takes its own JSON type and no other, a serializer no field that it does not name."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import Model
from rest_framework import serializers
from rest_framework.fields import empty

from credservice.audit.reasons import HOLDS_KEY, MAX_REASON, holds_key
from credservice.core.names import fault_of_name
from credservice.core.time_spans import AT_MOST, MAX_SPAN
from credservice.crypto.envelope import MAX_VALUE_BYTES

ACTIVE_OR_SUSPENDED = [("active", "Active"), ("suspended", "Suspended")]
MAX_SECONDS = int(MAX_SPAN.total_seconds())
MAX_OVERLAP = 366 * 86400  # seconds
OVERLAP_HELP = (
    "the policy's, where it is left out. 0 reports a leak: what is replaced is marked as leaked, its values are "
    "erased, and they are refused wherever they are entered again. For a mere replacement without delay, send 1."
)


class Text(serializers.CharField):
    """A text as it is: neither a number nor trimmed."""

    default_error_messages = {
        "invalid": "Send a text.",
        "blank": "Send a text that is not empty.",
        "required": "This is missing.",
        "null": "Send a text.",
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Name(Text):
    """An id or a name that is kept, by the rule of :mod:`credservice.core.names`."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        fault = fault_of_name(text)
        if fault:
            raise serializers.ValidationError(f"This {fault}.")
        return text


class NameFilter(Text):
    """Refuses a name that no row of the set-up has in ``field``: an empty list would look as if there were nothing."""

    def __init__(self, model: type[Model], field: str, missing: str, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.model, self.column, self.missing = model, field, missing

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not self.model._default_manager.filter(**{self.column: name}).exists():
            raise serializers.ValidationError(self.missing)
        return name


class Reason(Text):
    """Says why something is done, for the trail: without a key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": MAX_REASON, "help_text": "For the trail.", **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if holds_key(text):
            raise serializers.ValidationError(HOLDS_KEY)
        return text


class Flag(serializers.BooleanField):
    """true or false, of JSON."""

    default_error_messages = {"invalid": "Send true or false."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Whole(serializers.IntegerField):
    """A whole number, of JSON."""

    default_error_messages = {"invalid": "Send a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class Number(serializers.FloatField):
    """A number, of JSON."""

    default_error_messages = {"invalid": "Send a number."}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class Seconds(Whole):
    """A length of time."""

    default_error_messages = {"max_value": f"Send {AT_MOST}: {MAX_SECONDS} seconds."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=MAX_SECONDS, **kwargs)

    def run_validation(self, data: Any = empty) -> timedelta | None:
        """Convert what has passed the limits, which are numbers."""
        seconds = super().run_validation(data)
        return None if seconds is None else timedelta(seconds=seconds)

    def to_representation(self, value: timedelta) -> int:  # type: ignore[override]
        return int(value.total_seconds())


class OverlapSeconds(Whole):
    """Sets how long the key before a new one stays valid."""

    def __init__(self, **kwargs: Any) -> None:
        told = "The one before stays valid for; 0 where it has leaked: it ends at once, and those before it as well."
        super().__init__(required=False, default=86400, min_value=0, max_value=MAX_OVERLAP, help_text=told, **kwargs)


class ActiveState(serializers.ChoiceField):
    """Shows ``is_active`` in the word that the console has for it, and takes that."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=ACTIVE_OR_SUSPENDED, **kwargs)

    def to_representation(self, value: Any) -> str:
        return "active" if value is True else "suspended"

    def to_internal_value(self, data: Any) -> bool:  # type: ignore[override]
        return bool(super().to_internal_value(data) == "active")


class Texts(serializers.ListField):
    """A list of texts."""

    default_error_messages = {"not_a_list": "Send a list of texts.", "null": "Send a list of texts."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Text(), **kwargs)


class Facts(serializers.DictField):
    """A flat JSON object: names with texts, numbers, true, false or null."""

    default_error_messages = {"not_a_dict": "Send a JSON object.", "null": "Send a JSON object."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.JSONField(allow_null=True), **kwargs)

    def to_internal_value(self, data: Any) -> dict[Any, Any]:
        facts = super().to_internal_value(data)
        wrong = {name: ["Send a text, a number, true, false or null."] for name, fact in facts.items() if _deep(fact)}
        if wrong:
            raise serializers.ValidationError(wrong)
        return facts


def _deep(fact: Any) -> bool:
    return isinstance(fact, dict | list)


class JSONObject(serializers.DictField):
    """A JSON object of any depth that the set-up may have."""

    default_error_messages = {"not_a_dict": "Send a JSON object.", "null": "Send a JSON object."}


class Values(serializers.DictField):
    """Named values of a credential. Which names there are is the policy's; what is wrong is said without the value."""

    default_error_messages = {
        "not_a_dict": 'Send each value by its name, such as {{"apiKey": "..."}}.',
        "null": 'Send each value by its name, such as {{"apiKey": "..."}}.',
        "empty": "Send at least one value.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Text(max_length=MAX_VALUE_BYTES), allow_empty=False, **kwargs)


class StrictSerializer(serializers.Serializer[Any]):
    """A body or a query in which every name is known. Its errors name what a choice has, and not what was sent.

    A body that names one of ``trusted`` needs the scope ``trust:write`` as well: fields that decide whom the service
    believes, what it hands out, or where it sends what is secret.
    """

    trusted: ClassVar[frozenset[str]] = frozenset()

    default_error_messages = {"unknown": "There is no such {kind}. There are: {known}."}

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for field in fields.values():
            if isinstance(field, serializers.ChoiceField):
                choices = ", ".join(str(each) for each in field.choices)
                field.error_messages["invalid_choice"] = f"Send one of: {choices}."
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                kind, known = self.context.get("kind", "field"), ", ".join(self.fields) or "none"
                message = self.error_messages["unknown"].format(kind=kind, known=known)
                raise serializers.ValidationError({name: [message] for name in unknown})
        return super().to_internal_value(data)


def strict_serializers() -> set[type[StrictSerializer]]:
    """List all that there are, for the schema."""
    found: set[type[StrictSerializer]] = set()
    left = [StrictSerializer]
    while left:
        children = left.pop().__subclasses__()
        found.update(children)
        left += children
    return found

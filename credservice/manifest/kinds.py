"""Reads each kind of value from the file, and writes it for an export."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from credservice.core.time_spans import AT_MOST, MAX_SPAN
from credservice.manifest.document import BadValue, Item

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:([0-9]{1,99})d)?(?:([0-9]{1,99})h)?(?:([0-9]{1,99})m)?(?:([0-9]{1,99})s)?")
WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,99})")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?(?:[eE][+-]?[0-9]{1,3})?")


class Kind:
    """Reads and writes one kind of value. ``what`` says what to write, in messages and in docs/set-up-file.md."""

    what = ""
    nullable = False

    def read(self, item: Item) -> Any:
        """Read the value for the model. Raises :class:`BadValue`."""
        if item.is_null and self.nullable:
            return None
        if item.text is None or item.is_null:
            raise self.mistaken(item)
        return self.parse(item)

    def parse(self, item: Item) -> Any:
        raise NotImplementedError

    def dump(self, value: Any) -> Any:
        """Write the value as it stands in a file: :meth:`read` reads it as the same."""
        return value

    def mistaken(self, item: Item) -> BadValue:
        is_value = item.text is not None and not item.is_null
        return BadValue(f"write {self.what}" if is_value else f"this is {item.what}: write {self.what}")


class Text(Kind):
    def __init__(self, what: str = "a text") -> None:
        self.what = what

    def parse(self, item: Item) -> str:
        return sound(item.text or "")


class Flag(Kind):
    what = "true or false"

    def parse(self, item: Item) -> bool:
        if not item.is_plain or item.text not in ("true", "false"):
            raise self.mistaken(item)
        return item.text == "true"


class Whole(Kind):
    def __init__(self, *, nullable: bool = False) -> None:
        self.nullable = nullable
        self.what = "a whole number" + (" or null" if nullable else "")

    def parse(self, item: Item) -> int:
        if not WHOLE.fullmatch(item.text or ""):
            raise self.mistaken(item)
        return int(item.text or "")


class Number(Kind):
    what = "a number or null"
    nullable = True

    def parse(self, item: Item) -> Decimal:
        try:
            if NUMBER.fullmatch(item.text or ""):
                return Decimal(item.text or "")
        except InvalidOperation:
            pass
        raise self.mistaken(item)


class Duration(Kind):
    def __init__(self, *, nullable: bool = False) -> None:
        self.nullable = nullable
        self.what = "a time span such as 90d, 24h or 1h30m" + (", or null" if nullable else "")

    def parse(self, item: Item) -> timedelta:
        match = _DURATION.fullmatch(item.text or "")
        if not item.text or match is None:
            raise self.mistaken(item)
        seconds = sum(int(count or 0) * size for count, size in zip(match.groups(), _UNITS.values(), strict=True))
        if seconds > MAX_SPAN.total_seconds():
            raise BadValue(f"write {AT_MOST}")
        return timedelta(seconds=seconds)

    def dump(self, value: timedelta | None) -> str | None:
        if value is None:
            return None
        seconds, text = int(value.total_seconds()), ""
        for unit, size in _UNITS.items():
            count, seconds = divmod(seconds, size)
            text += f"{count}{unit}" if count else ""
        return text or "0s"


class Moment(Kind):
    what = "a time with its zone such as 2027-01-31T00:00:00Z, or null"
    nullable = True

    def parse(self, item: Item) -> datetime:
        try:
            moment = datetime.fromisoformat(item.text or "")
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise self.mistaken(item)

    def dump(self, value: datetime | None) -> str | None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value is not None else None


class Choice(Kind):
    """One of a few words; ``words`` is asked anew at each use, as settings may change them."""

    def __init__(self, words: Callable[[], Iterable[str]]) -> None:
        self._words = words

    @property
    def what(self) -> str:  # type: ignore[override]
        return f"one of {', '.join(self._words())}"

    def parse(self, item: Item) -> str:
        if item.text not in list(self._words()):
            raise BadValue(f"write {self.what}")
        return item.text or ""


class Texts(Kind):
    what = "a list of texts"

    def read(self, item: Item) -> list[str]:
        if item.items is None or any(part.text is None or part.is_null for part in item.items):
            raise self.mistaken(item)
        return [sound(part.text or "") for part in item.items]


def sound(text: str) -> str:
    """Return text that PostgreSQL can keep. Lone surrogates only come from the parser that is written in Python."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadValue("the text holds a character that cannot be kept (NUL or half of a surrogate pair)")
    return text

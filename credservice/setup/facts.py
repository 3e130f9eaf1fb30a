"""Values of any form, as JSON keeps them: options, attributes, response shapes."""

import re
from math import isfinite
from typing import Any

from credservice.setup.kinds import NUMBER, WHOLE, Kind, sound
from credservice.setup.problems import BadValue
from credservice.setup.source import Item

# Plain words that YAML 1.1 reads as something else than what is written: 010 is 8, 1:30 is 90, yes is true.
_AMBIGUOUS = re.compile(
    r"[-+]?[0-9][0-9_:.xXoObBa-fA-F]*|[-+]?\.(?:inf|nan)|yes|no|on|off|y|n|\d{4}-\d\d?-\d\d?.*", re.IGNORECASE
)


class Facts(Kind):
    """A JSON object, as the model keeps it."""

    what = "a mapping of names to values"

    def read(self, item: Item) -> dict[str, Any]:
        if item.entries is None:
            raise self.mistaken(item)
        facts: dict[str, Any] = json_value(item)
        return facts


def json_value(item: Item) -> Any:
    """The value as JSON has it. A word that YAML would read as something else must stand in quotes."""
    if item.entries is not None:
        return {sound(name): json_value(value) for name, value in item.entries.items()}
    if item.items is not None:
        return [json_value(value) for value in item.items]
    text = item.text or ""
    if not item.is_plain:
        return sound(text)
    if item.is_null:
        return None
    if text in ("true", "false"):
        return text == "true"
    if WHOLE.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text) and isfinite(number := float(text)):
        return number
    if _AMBIGUOUS.fullmatch(text):
        raise BadValue(f"{text} could be read in two ways: put it in quotes", item)
    return sound(text)

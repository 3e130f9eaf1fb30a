"""Reads values of any form, as JSON keeps them: options, attributes, response shapes."""

from math import isfinite
from typing import Any

import yaml

from credservice.manifest.document import BadValue, Item
from credservice.manifest.kinds import NUMBER, WHOLE, Kind, sound


class Facts(Kind):
    """A JSON object, as the model keeps it."""

    what = "a mapping of names to values"

    def read(self, item: Item) -> dict[str, Any]:
        if item.entries is None:
            raise self.mistaken(item)
        facts: dict[str, Any] = json_value(item)
        return facts


def json_value(item: Item) -> Any:
    """Read the value as JSON has it. A word that YAML would read as something else must stand in quotes."""
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
    if not is_text(text):
        raise BadValue(f"{text} could be read in two ways: put it in quotes", item)
    return sound(text)


def is_text(word: str) -> bool:
    """Tell whether every reader takes this plain word for a text. YAML 1.1 reads 010 as 8, 1:30 as 90, yes as true."""
    readings = yaml.SafeLoader.yaml_implicit_resolvers.get(word[:1], [])
    return not NUMBER.fullmatch(word) and not any(form.match(word) for _, form in readings)

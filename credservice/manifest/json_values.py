"""Reads values of any form, as JSON keeps them: options, attributes, response shapes."""

import json
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

import yaml

from credservice.manifest.document import MAX_DEPTH, BadValue, Item
from credservice.manifest.kinds import NUMBER, WHOLE, Duration, Kind, Moment, sound


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


def item_of(value: Any, path: tuple[str, ...]) -> Item:
    """Make the entry that a file would have for what an API was sent; its texts are none that refer to something.

    Raises :class:`BadValue` for what no file could hold.
    """
    if len(path) > MAX_DEPTH:
        raise BadValue(f"values are nested over {MAX_DEPTH} deep", Item(path, 1))
    if isinstance(value, dict):
        return Item(path, 1, entries={name: item_of(part, (*path, name)) for name, part in value.items()})
    if isinstance(value, list):
        return Item(path, 1, items=[item_of(part, (*path, str(place))) for place, part in enumerate(value)])
    if isinstance(value, str):
        return Item(path, 1, text=value)
    if isinstance(value, float) and not isfinite(value):
        raise BadValue("this number is too large", Item(path, 1))
    return Item(path, 1, text=_plain(value), is_plain=True)


def _plain(value: Any) -> str:
    if isinstance(value, timedelta):
        return Duration().dump(value) or ""
    if isinstance(value, datetime):
        return Moment().dump(value) or ""
    return json.dumps(value)


def is_text(word: str) -> bool:
    """Tell whether every reader takes this plain word for a text. YAML 1.1 reads 010 as 8, 1:30 as 90, yes as true."""
    readings = yaml.SafeLoader.yaml_implicit_resolvers.get(word[:1], [])
    return not NUMBER.fullmatch(word) and not any(form.match(word) for _, form in readings)

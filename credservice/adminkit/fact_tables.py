"""Shows a JSON object to a person: a small table of names in words and their values, the JSON folded below it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_TABLE = (
    '<table class="console-table"><tbody>{}</tbody></table>'
    '<details class="mt-2"><summary class="cursor-pointer">As JSON</summary>'
    '<pre class="break-all console-mono whitespace-pre-wrap">{}</pre></details>'
)
_ROW = '<tr><th scope="row" class="console-line">{}</th> <td class="break-all">{}</td></tr>\n'


def fact_table(facts: Mapping[str, Any], names: Mapping[str, str] | None = None) -> SafeString | str:
    """Show ``facts``; an id that ``names`` has, by its name. What is empty is left out, where it is no change."""
    if not facts:
        return "-"
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    return format_html(_TABLE, format_html_join("", _ROW, _rows(facts, names or {})), text)


def _rows(facts: Mapping[str, Any], names: Mapping[str, str], above: str = "") -> Iterator[tuple[str, str]]:
    """List names and values; of what is nested, under both names. A change is told as from what to what."""
    for key, value in facts.items():
        name = " ".join(part for part in (above, str(key).replace("_", " ")) if part)
        if isinstance(value, Mapping) and value and not set(value) <= {"from", "to"}:
            yield from _rows(value, names, "" if key in ("changes", "values") else name)
        elif value not in ("", None):
            yield name, _value(value, names)


def _value(value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, Mapping):
        ends = {word: value[word] for word in ("from", "to") if word in value}
        if any(isinstance(end, Mapping) for end in ends.values()):
            return "changed"  # a whole JSON object: the JSON below has it
        return " ".join(f"{word} {_value(end, names)}" for word, end in ends.items()) or "changed"
    if isinstance(value, list):
        return ", ".join(_value(item, names) for item in value) or "none"
    if value is None or value == "":
        return "nothing"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else names.get(str(value), str(value))

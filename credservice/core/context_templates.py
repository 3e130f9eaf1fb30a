"""Fills templates from a credential's context: ``{"sub": "$end_user", "tier": "$features.tier", "aud": "vendor"}``.

A text that starts with ``$`` names a source, a path into the context; ``$$`` stands for a literal dollar sign; any
other text, number, list or object is what it is. The same notation as a response shape's.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_DEPTH = 8
_TEXT_OR_SOURCE = re.compile(r"([^$].*)?|\$\$.*|\$[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*", re.DOTALL)


class MissingSource(ValueError):
    """The context holds nothing by that name."""


def check_template(template: Any, depth: int = MAX_DEPTH) -> None:
    """Raise ValueError, with a phrase, where ``template`` could never be filled."""
    if depth == 0:
        raise ValueError("is nested too deeply")
    if isinstance(template, Mapping | list):
        for part in template.values() if isinstance(template, Mapping) else template:
            check_template(part, depth - 1)
    elif isinstance(template, str) and not _TEXT_OR_SOURCE.fullmatch(template):
        raise ValueError(f"names no source: {template}; write $plan or $features.size, and $$ for a dollar sign")


def sources_of(template: Any) -> Iterator[str]:
    """Yield the sources that a sound ``template`` names, such as ``$features.size``."""
    if isinstance(template, Mapping | list):
        for part in template.values() if isinstance(template, Mapping) else template:
            yield from sources_of(part)
    elif isinstance(template, str) and template.startswith("$") and not template.startswith("$$"):
        yield template


def fill_template(template: Any, context: Mapping[str, Any]) -> Any:
    """Return ``template`` with its sources replaced. Raises :class:`MissingSource`."""
    if isinstance(template, Mapping):
        return {name: fill_template(part, context) for name, part in template.items()}
    if isinstance(template, list):
        return [fill_template(part, context) for part in template]
    if not isinstance(template, str) or not template.startswith("$"):
        return template
    return template[1:] if template.startswith("$$") else _look_up(template, context)


def _look_up(source: str, context: Mapping[str, Any]) -> Any:
    value: Any = context
    for name in source[1:].split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise MissingSource(f"there is no {source} for this credential; there are {', '.join(sorted(context))}")
        value = value[name]
    return value

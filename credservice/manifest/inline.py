"""Writes values on one line, as YAML: in an export and in the differences."""

import hashlib
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from credservice.manifest.json_values import is_text

# Texts that need no quotes, in block or flow style.
_PLAIN = re.compile(r"[A-Za-z0-9/$][A-Za-z0-9_./$-]*(?:::?[A-Za-z0-9_./$-]+)*")
# What YAML lets nobody write but as an escape, and JSON does not escape. Beyond the BMP all may be written.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def inline(value: Any) -> str:
    """Write a value on one line, as YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inline(str(key))}: {inline(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(part) for part in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and is_text(value):
        return value
    return _UNPRINTABLE.sub(_escaped, json.dumps(value, ensure_ascii=False))


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    return float(value) if isinstance(value, Decimal) else value


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def placeholder(path: Sequence[str]) -> str:
    """Make up a reference that may stand for the secret at ``path``, such as env:MINDCLOUD_SIGNING_SECRET.

    No two paths have one: where the name alone would not tell them apart, it ends in a digest of the path.
    """
    name = re.sub(r"[^A-Z0-9]+", "_", "_".join(path).upper()).strip("_")
    owner, *rest = path
    if len(rest) == 1 and re.fullmatch("[a-z0-9]+", owner):
        return f"env:{name}"
    return f"env:{name}_{hashlib.sha256(json.dumps(path).encode()).hexdigest()[:8].upper()}"

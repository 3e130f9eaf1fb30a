"""Keeps credentials, and a provider's control characters, off the terminal."""

import json
from typing import Any

MASK = "***"


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return MASK


def masked(body: bytes) -> str:
    """Hide every value in the answer to a credential request but the top-level `message`.

    All of them, not only those under `credentials`: a provider under development may spell that key wrongly.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return f"({len(body)} bytes that are no JSON, not shown: they may hold credentials)" if body else ""
    if not isinstance(content, dict):
        return json.dumps(_hidden(content))
    return json.dumps({name: item if name == "message" else _hidden(item) for name, item in content.items()})


def printable(text: str) -> str:
    """Escape everything but line ends that a terminal would act on."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)

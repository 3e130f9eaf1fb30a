"""Words sentences for the people who order, and who read them in another service's pages."""

from collections.abc import Iterable

_MAX_QUOTED = 64


def quoted(text: str) -> str:
    """Quote in a sentence what the caller sent."""
    return f"'{shortened(text, _MAX_QUOTED)}'"


def one_of(choices: Iterable[str]) -> str:
    """End a sentence by what there is to choose from."""
    listed = ", ".join(choices)
    return f"Choose one of: {listed}." if listed else "There is none to choose."


def shortened(text: str, length: int) -> str:
    """Cut ``text`` to at most ``length`` characters, the last one an ellipsis where something is missing."""
    return text if len(text) <= length else f"{text[: length - 1]}…"

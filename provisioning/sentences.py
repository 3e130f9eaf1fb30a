"""Sentences for the marketplace's user, who reads them in its dashboard."""

from collections.abc import Iterable

# "minLength: 3, maxLength: 256" in one document, 255 in the marketplace's own checker.
MAX_MESSAGE = 255
_MAX_QUOTED = 64


def message(text: str) -> dict[str, str]:
    """The body of an answer, no longer than the marketplace takes."""
    return {"message": text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"}


def quoted(text: str) -> str:
    """Something that the caller sent, in a sentence."""
    return f"'{text if len(text) <= _MAX_QUOTED else text[: _MAX_QUOTED - 1] + '…'}'"


def one_of(choices: Iterable[str]) -> str:
    """The end of a sentence that says what there is to choose from."""
    listed = ", ".join(choices)
    return f"Choose one of: {listed}." if listed else "There is none to choose."

"""Writes the body of an answer's or a callback's message, which the marketplace's user reads in its dashboard."""

from provisioning.wording import shortened

# "minLength: 3, maxLength: 256" in one document, 255 in the marketplace's own checker.
MAX_MESSAGE = 255


def message(text: str) -> dict[str, str]:
    """Make the body of an answer, no longer than the marketplace takes."""
    return {"message": shortened(text, MAX_MESSAGE)}

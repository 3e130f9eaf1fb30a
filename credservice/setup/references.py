"""Secrets in a set-up file: always a reference, never a value."""

from credservice.references import UnreadableReference, resolve_reference
from credservice.setup.problems import BadValue
from credservice.setup.source import Item


def read_secret(item: Item) -> str:
    """The text that a reference names. Raises :class:`BadValue`."""
    try:
        return resolve_reference(item.text)
    except UnreadableReference as error:
        raise BadValue(str(error)) from None

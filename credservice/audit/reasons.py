"""Refuses a reason that holds a key: the trail keeps it, and shows it in full to whoever may read that."""

from collections.abc import Callable

MAX_REASON = 200  # characters
HOLDS_KEY = "This text holds a key. Describe it without the key."

# Asked of a text: whether it holds a key of ours. What knows keys is built on top of this.
Finder = Callable[[str], bool]
_finders: list[Finder] = []


def register_key_finder(finder: Finder) -> None:
    """Have ``finder`` asked about each reason. For AppConfig.ready."""
    if finder not in _finders:
        _finders.append(finder)


def holds_key(text: str) -> bool:
    return any(finder(text) for finder in _finders)

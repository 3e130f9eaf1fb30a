"""Lets what keeps tokens of our signing keys end them with their key: a token that nothing verifies is handed out no
more."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

MAX_COUNTED = 10_000  # of live tokens, for a person to read


@dataclass(frozen=True)
class Tokens:
    """Knows the live tokens that keys have signed, by the keys' ids."""

    count: Callable[[Collection[str]], int]  # no further than MAX_COUNTED
    # Ends them in the caller's transaction, or has the worker go on; returns how many it has ended.
    end: Callable[[Collection[str]], int]


_kept: list[Tokens] = []


def register_tokens(tokens: Tokens) -> None:
    """Have ``tokens`` ended with the keys that signed them. For an AppConfig.ready."""
    if tokens not in _kept:
        _kept.append(tokens)


def count_tokens(kids: Collection[str]) -> int:
    return sum(tokens.count(kids) for tokens in _kept)


def end_tokens(kids: Collection[str]) -> int:
    return sum(tokens.end(kids) for tokens in _kept)

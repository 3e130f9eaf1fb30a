"""Many rows in few queries."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

SIZE = 1000
T = TypeVar("T")


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts that fit into one query each."""
    return (values[start : start + SIZE] for start in range(0, len(values), SIZE))

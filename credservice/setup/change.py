"""One difference between a set-up file and the database."""

from collections.abc import Callable
from dataclasses import dataclass

from credservice.setup.problems import dotted
from credservice.setup.source import Item


@dataclass(frozen=True)
class Change:
    """One line of the difference. ``write`` does it, for what is no column of a row."""

    sign: str  # + is new, ~ is changed
    item: Item
    detail: str = ""
    write: Callable[[], None] | None = None

    def __str__(self) -> str:
        return f"{self.sign} {dotted(self.item.path)}" + (f": {self.detail}" if self.detail else "")

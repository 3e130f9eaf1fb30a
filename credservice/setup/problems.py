"""What is wrong with a set-up file: each problem with its line, its key and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from credservice.setup.source import Item


@dataclass(frozen=True, order=True)
class Problem:
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


class Problems:
    """All that was found so far. A file with any of them changes nothing."""

    def __init__(self) -> None:
        self._found: set[Problem] = set()

    def add(self, line: int, path: tuple[str, ...], text: str) -> None:
        self._found.add(Problem(line, dotted(path), text))

    def __bool__(self) -> bool:
        return bool(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._found))


class BadValue(ValueError):
    """What stands in the file cannot be used; the sentence says why and what to do. Holds no secret.

    ``item`` is the part that is wrong, where it is not the whole value.
    """

    def __init__(self, text: str, item: "Item | None" = None) -> None:
        super().__init__(text)
        self.item = item


class BadFile(Exception):
    """The file cannot be read to its end; ``line`` is where it stops."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def dotted(path: tuple[str, ...]) -> str:
    """The path of a key as it is shown: ``platforms.mindcloud.default``; a part that would be misread is quoted."""
    return ".".join(f'"{part}"' if "." in part or not part.strip() or "\n" in part else part for part in path)

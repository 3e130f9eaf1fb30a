"""Reads a set-up file into a tree whose every value knows its line, and notes what is wrong with it, where.

YAML 1.1, without what makes files hard to trust. Built from the parser's events, not from its node tree: so nesting is
bounded before it is followed, and an alias is refused where it stands instead of being expanded ("billion laughs").
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_DEPTH = 24
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True, order=True)
class Problem:
    line: int
    path: tuple[str, ...]
    text: str
    column: str = ""  # of the row, where the entry's own name is wrong

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.text}" if self.path else self.text


class Problems:
    """All that was found so far. A file with any of them changes nothing."""

    def __init__(self) -> None:
        self._found: set[Problem] = set()

    def add(self, line: int, path: tuple[str, ...], text: str, column: str = "") -> None:
        self._found.add(Problem(line, path, text, column))

    def __bool__(self) -> bool:
        return bool(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._found))


@dataclass(frozen=True)
class Item:
    """One value of the file: a scalar (``text``), a mapping (``entries``) or a list (``items``)."""

    path: tuple[str, ...]
    line: int  # of its key; the first line is 1
    text: str | None = field(default=None, repr=False)  # may be a secret in the wrong place
    is_plain: bool = False  # a scalar without quotes
    may_refer: bool = False  # env:NAME and file:PATH are followed: of a file, whose author has this machine
    entries: dict[str, "Item"] | None = None
    items: list["Item"] | None = None

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def is_null(self) -> bool:
        return self.is_plain and self.text in ("", "~", "null", "Null", "NULL")

    def entry(self, name: str) -> "Item":
        """Return the value of this key; of one that is missing, the place where it would stand."""
        return (self.entries or {}).get(name) or Item((*self.path, name), self.line)

    def part(self, place: tuple[str | int, ...]) -> "Item":
        """Return the value inside of this one at these names and positions; of a single value, itself."""
        if not place or (self.entries is None and self.items is None):
            return self
        first, *rest = place
        inner = self.items[int(first)] if self.items is not None else self.entry(str(first))
        return inner.part(tuple(rest))

    @property
    def what(self) -> str:
        """Name what stands there, for messages. Never the value: it may be a secret in the wrong place."""
        if self.entries is not None:
            return "a mapping"
        if self.items is not None:
            return "a list"
        return "nothing" if self.is_null else "a single value"


class BadValue(ValueError):
    """A value of the file cannot be used; the sentence says why and what to do. Holds no secret.

    ``item`` is the part that is wrong, where it is not the whole value.
    """

    def __init__(self, text: str, item: Item | None = None) -> None:
        super().__init__(text)
        self.item = item


class BadFile(Exception):
    """The file cannot be read to its end; ``line`` is where it stops."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass
class _Reader:
    problems: Problems
    events: Iterator[Any] = field(default_factory=lambda: iter(()))

    def value(self, event: Any, path: tuple[str, ...], line: int) -> Item:
        if isinstance(event, yaml.AliasEvent):
            raise BadFile(_line(event), f"an alias (*{event.anchor}) is not followed: write the value out")
        _refuse_anchor(event)
        if event.tag not in (None, "!", _STANDARD_TAG):
            self.problems.add(line, path, f"the tag {event.tag} means nothing here: leave it out")
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0] and not event.style
            return Item(path, line, text=event.value, is_plain=plain, may_refer=True)
        if len(path) >= MAX_DEPTH:
            raise BadFile(_line(event), f"values are nested over {MAX_DEPTH} deep")
        if isinstance(event, yaml.SequenceStartEvent):
            return Item(path, line, items=self._items(path))
        return Item(path, line, entries=self._entries(path))

    def _items(self, path: tuple[str, ...]) -> list[Item]:
        items: list[Item] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.value(event, (*path, str(len(items) + 1)), _line(event)))
        return items

    def _entries(self, path: tuple[str, ...]) -> dict[str, Item]:
        entries: dict[str, Item] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise BadFile(line, "a key must be a single text")
            if event.value == "<<" and event.implicit[0]:
                raise BadFile(line, "a merge (<<) is not followed: write the values out")
            _refuse_anchor(event)
            item = self.value(next(self.events), (*path, event.value), line)
            if (first := entries.setdefault(event.value, item)) is not item:
                self.problems.add(line, item.path, f"this key stands on line {first.line} already: keep one of them")
        return entries


def read(text: str, problems: Problems) -> Item:
    """Read the file's top mapping. Raises :class:`BadFile` where it cannot be read on; adds other problems."""
    reader = _Reader(problems)
    try:
        reader.events = iter(yaml.parse(text, Loader=_LOADER))
        root = _root(reader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise BadFile(mark.line + 1 if mark else 1, f"this is no YAML: {what}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise BadFile(line, f"this is no YAML: {error.reason}") from None
    if root.is_null:
        raise BadFile(1, "the file names nothing: see docs/set-up-file.md for what it may name")
    if root.entries is None:
        raise BadFile(1, f"the file is {root.what}: write a mapping such as platforms:, policies:, marketplaces:")
    return root


def _root(reader: _Reader) -> Item:
    root = Item((), 1, text="", is_plain=True)
    documents = 0
    for event in reader.events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise BadFile(_line(event), "a second document (---) starts here: one file is one document")
        elif not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
            root = reader.value(event, (), 1)
    return root


def _refuse_anchor(event: Any) -> None:
    if event.anchor is not None:
        raise BadFile(_line(event), f"an anchor (&{event.anchor}) has no use here: leave it out")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def dotted(path: tuple[str, ...]) -> str:
    """Write the path of a key as it is shown: ``platforms.mindcloud.default``; what would be misread is quoted."""
    return ".".join(f'"{part}"' if "." in part or not part.strip() or "\n" in part else part for part in path)

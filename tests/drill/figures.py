"""Counts what was asked, killed and found, and prints it: the zeros of a drill are what it is for."""

import threading
from collections import Counter
from collections.abc import Iterator

# What must not occur, in the order of the table.
LOST = "acknowledged and lost"
TWICE = "answered twice differently"
HALVES = "halves in the database"
TRAIL = "credentials without their lines in the trail"
OUTSIDE = "differences between what lives outside and inside"
PROMISES = "promises that were not kept once, as done"
UNFINISHED = "work that was left undone"
UNEXPECTED = "answers that no partner expects"
PERSON = "processes that needed a person"
SEALS = "seals or chains that do not hold"
ZEROS = (LOST, TWICE, HALVES, TRAIL, OUTSIDE, PROMISES, UNFINISHED, UNEXPECTED, PERSON, SEALS)
# Of the failover drill alone, which times them.
SLOWER = "kinds without an answer 5 s longer than the database"
SHOWN = 10


class Figures:
    """Filled by many threads."""

    def __init__(self, *more: str) -> None:
        """``more``: zeros of one drill, beside those of each."""
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._longest: dict[str, float] = {}
        self._found: dict[str, list[str]] = {kind: [] for kind in (*ZEROS, *more)}

    def count(self, group: str, name: str = "", number: int = 1) -> None:
        """Count something, by its ``name`` where the table is to tell several apart."""
        with self._lock:
            self._counts[group, name] += number

    def took(self, what: str, seconds: float) -> None:
        """Keep the longest time that something took."""
        with self._lock:
            self._longest[what] = max(seconds, self._longest.get(what, 0.0))

    def found(self, kind: str, sentence: str) -> None:
        """Note what must not be; once, however often it is seen."""
        with self._lock:
            if sentence not in self._found[kind]:
                self._found[kind].append(sentence)

    @property
    def faults(self) -> dict[str, list[str]]:
        return {kind: sentences for kind, sentences in self._found.items() if sentences}

    def total(self, group: str) -> int:
        return sum(number for (of, _), number in self._counts.items() if of == group)

    def lines(self) -> Iterator[str]:
        """Write the table: first what happened, then the zeros, then what was found instead of one."""
        for group in dict.fromkeys(group for group, _ in self._counts):
            yield _line(group, self.total(group))
            parts = sorted((name, number) for (of, name), number in self._counts.items() if of == group and name)
            yield from (_line(f"  {name}", number) for name, number in parts)
        yield from (_line(f"longest seconds until {what}", f"{took:.1f}") for what, took in self._longest.items())
        yield from (_line(kind, len(sentences)) for kind, sentences in self._found.items())
        for kind, sentences in self.faults.items():
            for sentence in sentences[:SHOWN]:
                yield f"! {kind}: {sentence}"
            if len(sentences) > SHOWN:
                yield f"! {kind}: and {len(sentences) - SHOWN} more"


def _line(name: str, number: object) -> str:
    return f"{name:<54}{number:>10}"

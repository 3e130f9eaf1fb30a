"""Writes lines and seals as the bytes that are hashed: one way for each, and no two of them alike.

A value is a byte that says whether there is one, its length in four bytes, and its UTF-8. So no text can pass for the
border between two (engineering notes, "Audit"). Of a line, each value is PostgreSQL's own text, which a dump and a
restore keep: ``detail`` is ``jsonb``, whose text has one order of keys.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LINES_DOMAIN = "credservice.audit.lines.v1"
SEAL_DOMAIN = "credservice.audit.seal.v1"


@dataclass(frozen=True)
class Part:
    """The lines of one month in a batch: how many, and the SHA-256 of them in the order of their ids."""

    month: str
    lines: int
    digest: str

    def as_json(self) -> dict[str, str | int]:
        return {"month": self.month, "lines": self.lines, "digest": self.digest}


def encode(values: Iterable[str | None]) -> bytes:
    """Write ``values`` as bytes. No two sequences have the same, and none is the beginning of another of its length."""
    parts = []
    for value in values:
        text = (value or "").encode("utf-8")
        parts += [b"\x00" if value is None else b"\x01", len(text).to_bytes(4), text]
    return b"".join(parts)


class Digests:
    """The digests of a batch's lines, by month, in constant memory."""

    def __init__(self) -> None:
        self._hashes: dict[str, hashlib._Hash] = {}
        self._lines: dict[str, int] = {}

    def add(self, month: str, line: Sequence[str | None]) -> None:
        if month not in self._hashes:
            self._hashes[month] = hashlib.sha256(encode([LINES_DOMAIN, month]))
            self._lines[month] = 0
        self._hashes[month].update(encode(line))
        self._lines[month] += 1

    def parts(self) -> list[Part]:
        return [Part(month, self._lines[month], self._hashes[month].hexdigest()) for month in sorted(self._hashes)]


def head_of(facts: Sequence[str | None], parts: Sequence[Part], previous: bytes) -> bytes:
    """Compute the head of the chain after a seal: SHA-256 over what it says and over the head before."""
    listed = [text for part in parts for text in (part.month, str(part.lines), part.digest)]
    return hashlib.sha256(encode([SEAL_DOMAIN, *facts, str(len(parts)), *listed, previous.hex()])).digest()

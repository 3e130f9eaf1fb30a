"""Answers that are written as they are made."""

from collections.abc import Iterator

CHUNK = 200  # lines


def in_chunks(lines: Iterator[str]) -> Iterator[str]:
    """Many lines at a time: each chunk is a write to the client."""
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) >= CHUNK:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch)

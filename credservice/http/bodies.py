"""Writes long answers in pieces."""

from collections.abc import Iterator

CHUNK = 200  # lines of one write


def in_chunks(lines: Iterator[str]) -> Iterator[str]:
    """Yield many lines at a time: each chunk is a write to the client."""
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) >= CHUNK:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch)

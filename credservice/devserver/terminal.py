"""Shows the progress of `make run`: one line for each step, and of the server's log only what needs attention."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# structlog's "2026-... [warning  ] text" and gunicorn's "[2026-...] [pid] [ERROR] text"; a line without a time of its
# own belongs to the one before.
_ATTENTION = re.compile(rb"(?:\S+|\[[^]]*\] \[\d+\]) \[(?:warning|error|critical) *\]", re.IGNORECASE)
_RECORD = re.compile(rb"\[?\d{4}-\d\d-\d\d[T ]")


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Print a tick and the time it took, when it is done."""
    if sys.stdout.isatty():
        print(f"  … {name}", end="\r", flush=True)
    started = time.monotonic()
    yield
    print(f"  ✓ {name:<28}{time.monotonic() - started:5.1f} s", flush=True)


class AttentionTail:
    """Follows a log file from a position on."""

    def __init__(self, path: Path, position: int) -> None:
        self._path = path
        self._position = position
        self._attended = False

    def show_new(self) -> None:
        """Print the warnings and errors written since the last time."""
        with self._path.open("rb") as log:
            log.seek(self._position)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # still being written
                self._position += len(line)
                self._show(line)

    def _show(self, line: bytes) -> None:
        if _RECORD.match(line):
            self._attended = bool(_ATTENTION.match(line))
        if self._attended:
            print(line.decode(errors="replace"), end="", file=sys.stderr, flush=True)

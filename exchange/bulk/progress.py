"""Shows how far an import is: one line that is written over on a terminal, nothing anywhere else."""

import time
from typing import TextIO

WIDTH = 24
PAUSE = 0.2  # seconds between two looks


class Progress:
    """Shows progress. ``total`` is the bytes that there are to read; 0 where nobody knows."""

    def __init__(self, out: TextIO, total: int) -> None:
        self._out, self._total = out, total
        self._begun = self._shown = time.monotonic()
        self._visible = out.isatty()

    def show(self, rows: int, failed: int, size: int) -> None:
        now = time.monotonic()
        if self._visible and now - self._shown >= PAUSE:
            self._shown = now
            self._out.write(f"\r{line(rows, failed, size, self._total, now - self._begun)}\x1b[K")
            self._out.flush()

    def clear(self) -> None:
        if self._visible:
            self._out.write("\r\x1b[K")
            self._out.flush()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun


def line(rows: int, failed: int, size: int, total: int, seconds: float) -> str:
    """Write such as ``[######      ]  25 %  12,000 rows  5,900 rows/s  0:06 left``."""
    parts = [rows_of(rows), f"{rows / max(seconds, 0.001):,.0f} rows/s"]
    if failed:
        parts.insert(1, f"{failed:,} refused")
    if total and size:
        share = min(1.0, size / total)
        left = int(seconds / share - seconds)
        parts = [f"[{'#' * int(WIDTH * share):<{WIDTH}}] {share:4.0%}", *parts, f"{left // 60}:{left % 60:02} left"]
    return "  ".join(parts)


def rows_of(count: int) -> str:
    """Write ``1 row``, ``1,000 rows``."""
    return f"{count:,} row{'' if count == 1 else 's'}"

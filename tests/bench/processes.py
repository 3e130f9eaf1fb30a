"""Reads what a server's processes have used: processor time, and memory with what they share counted once."""

import contextlib
from collections.abc import Iterator

import psutil

MIB = 1024 * 1024


def processor_seconds(pid: int | None) -> float:
    """Add up what the process and its descendants have used so far, those that have ended included."""
    return sum(sum(process.cpu_times()[:4]) for process in _tree(pid))


def largest_memory(pid: int) -> float:
    """Return the proportional set size, in MiB, of the largest descendant: of one web process."""
    return max(process.memory_full_info().pss for process in list(_tree(pid))[1:]) / MIB


def _tree(pid: int | None) -> Iterator[psutil.Process]:
    if pid is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                yield process

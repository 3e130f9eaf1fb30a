"""Tells probes whether a worker on this machine is alive: by a file that it writes every few seconds, and locks.

Only a process that has died gives up its lock, so that what a killed one left behind is told from one that hangs.
A worker that waits for its database is alive: to start it again would mend nothing.
"""

import asyncio
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

import structlog
from gunicorn.systemd import sd_notify

log = structlog.get_logger(__name__)

FOLDER = "workers"
BEAT_SECONDS = 5.0
HANGS_AFTER = 60.0


class Beat(NamedTuple):
    """The last sign of life of a process. Times are of the machine's monotonic clock."""

    pid: int
    at: float
    waits_since: float | None  # for its database


class Heart:
    """Writes a worker's signs of life, also to a systemd that asks for them (``WatchdogSec=``), while it is entered."""

    def __init__(self, var_dir: Path) -> None:
        # Containers that share the folder have the same process id, and clocks of their own.
        self._path = var_dir / FOLDER / f"{socket.gethostname()}-{os.getpid()}.json"
        self._waits_since: float | None = None
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._open()
        sd_notify("READY=1", log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            self._file.close()

    async def keep_beating(self, is_at_work: Callable[[], bool]) -> None:
        """Beat until it is cancelled: in the loop that begins the jobs, so that one which hangs shows."""
        while True:
            self.beat(is_at_work=is_at_work())
            await asyncio.sleep(BEAT_SECONDS)

    def beat(self, *, is_at_work: bool) -> None:
        """Say that it is alive, and whether it does more than to wait for its database."""
        self._waits_since = None if is_at_work else self._waits_since or time.monotonic()
        self._write()
        sd_notify("WATCHDOG=1", log)

    def _open(self) -> None:
        """Make the file under another name first: whoever sees it by its own may rely on its lock."""
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _clear_away(self._path.parent)
            file = new.open("wb+", buffering=0)
            fcntl.flock(file, fcntl.LOCK_EX)
            self._file = file
            self._write()
            new.rename(self._path)
        except OSError as error:
            log.warning("worker_health_not_written", file=str(self._path), error=error.strerror)

    def _write(self) -> None:
        if self._file is not None:
            # In place and of one length: this needs no room on a disk that is full.
            with suppress(OSError):
                beat = json.dumps([time.monotonic(), self._waits_since])
                os.pwrite(self._file.fileno(), f"{beat:<64}".encode(), 0)


def report(var_dir: Path) -> tuple[bool, str]:
    """Say in a sentence how the workers of this machine are that share ``var_dir``, and whether all is well."""
    beats = list(_beats(var_dir / FOLDER))
    if not beats:
        return False, f"No worker runs here: none keeps its file in {var_dir / FOLDER}."
    now = time.monotonic()
    hanging = [beat for beat in beats if now - beat.at > HANGS_AFTER]
    if hanging:
        return False, f"The worker {hanging[0].pid} hangs: its last sign of life is {now - hanging[0].at:.0f} s old."
    last = max(beats, key=lambda beat: now - beat.at)
    waiting = f" It has waited for its database for {now - last.waits_since:.0f} s." if last.waits_since else ""
    return True, f"The worker {last.pid} is alive: its last sign of life is {now - last.at:.0f} s old.{waiting}"


def _beats(folder: Path) -> Iterator[Beat]:
    """Read the files of this machine's workers. What is gone meanwhile, or cannot be read, is no sign of life."""
    for path in sorted(folder.glob("*.json")):
        host, _, pid = path.stem.rpartition("-")
        if host == socket.gethostname():
            with suppress(OSError, ValueError, TypeError), path.open("rb") as file:
                if _is_locked(file):
                    at, waits_since = json.loads(file.read())
                    yield Beat(int(pid), at, waits_since)


def _clear_away(folder: Path) -> None:
    """Remove what the dead have left, also those of containers that were here before."""
    for path in folder.glob("*.json"):
        with suppress(OSError), path.open("rb") as file:
            if not _is_locked(file):
                path.unlink()


def _is_locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False

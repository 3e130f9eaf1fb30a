"""Works on batches side by side, in processes of their own: one core prepares rows while PostgreSQL writes on another.

Threads would gain nothing: of a new row's time about half is Python's, which runs one thread at a time.
"""

import gc
import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Set
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from django.db import connections

MOST = 4  # by default: PostgreSQL needs cores as well
B = TypeVar("B")
R = TypeVar("R")


def usual() -> int:
    """Count the lanes where nobody says how many."""
    return min(MOST, os.cpu_count() or 1)


class LaneEnded(Exception):
    """A lane's process was ended from outside; its batch may be written or not."""


class WorkFailed(Exception):
    """The work raised what cannot come through a pipe, such as an issuer of the vendor's own; this says its class."""


def side_by_side(
    work: Callable[[B], R], batches: Iterable[B], keys_of: Callable[[B], Set[Hashable]], *, lanes: int
) -> Iterator[tuple[B, R]]:
    """Yield each batch with what ``work`` made of it, in their order.

    A batch that has a key of one under way waits for that one: what one row makes, the next one finds. Raises what
    ``work`` raised, or :class:`WorkFailed`, or :class:`LaneEnded`; whatever is under way then is finished before.

    A process is forked for each lane: call it where there are no threads.
    """
    connections.close_all()  # no socket may be shared with a fork
    every = [_Lane(work) for _ in range(lanes)]
    idle = deque(every)
    busy: deque[tuple[_Lane[B, R], B, Set[Hashable]]] = deque()

    def finish() -> tuple[B, R]:
        lane, batch, _ = busy.popleft()
        result = lane.result()
        idle.append(lane)
        return batch, result

    try:
        for batch in batches:
            keys = keys_of(batch)
            while not idle or any(keys & theirs for _, _, theirs in busy):
                yield finish()
            lane = idle.popleft()
            lane.begin(batch)
            busy.append((lane, batch, keys))
        while busy:
            yield finish()
    finally:
        for lane in every:
            lane.close()
        for lane in every:  # only now: a fork has the pipes of those before it open as well
            lane.wait()


class _Lane(Generic[B, R]):
    """A process that works through one batch after the other. It ends when this end of its pipe is closed, also by the
    kernel: an import that is killed leaves nothing behind once the batches in hand are finished."""

    def __init__(self, work: Callable[[B], R]) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        fork = multiprocessing.get_context("fork")
        self._process = fork.Process(target=_serve, args=(work, theirs, self._pipe), name="import")
        self._process.start()
        theirs.close()

    def begin(self, batch: B) -> None:
        try:
            self._pipe.send(batch)
        except OSError:
            raise LaneEnded from None

    def result(self) -> R:
        result: R
        try:
            result, error = self._pipe.recv()
        except (EOFError, OSError):
            raise LaneEnded from None
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Send no more batches."""
        self._pipe.close()

    def wait(self) -> None:
        self._process.join()


def _serve(work: Callable[[Any], Any], pipe: Connection, other_end: Connection) -> None:
    other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes: the first one decides
    gc.freeze()
    try:
        while True:
            batch = pipe.recv()
            answer: tuple[Any, Exception | None]
            try:
                answer = work(batch), None
            except Exception as error:
                answer = None, _portable(error)
            pipe.send(answer)
    except (EOFError, OSError):
        pass  # nobody waits for more
    finally:
        connections.close_all()


def _portable(error: Exception) -> Exception:
    """Make ``error`` one that the other end can read: some classes can be told there, and not be made again."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # nosec B301
    except Exception:
        return WorkFailed(f"{type(error).__module__}.{type(error).__qualname__}")
    return error

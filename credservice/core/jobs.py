"""Puts work into the queue, in the transaction that needs it, and says when what failed is tried again.

Every task may run twice, or be killed, without harm: its row says what is left to do.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import uniform

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)


def enqueue(
    task: str, *, at: datetime | None = None, priority: int | None = None, lock: str | None = None, **arguments: object
) -> None:
    """Have the worker run the task of this name, not before ``at``. Its arguments, written as text, hold no secret:
    they are ids, and what no row has.

    Jobs of a lower ``priority`` come last (0 by default); of those that share a ``lock`` one runs at a time.
    """
    job = app.configure_task(task, schedule_at=at, priority=priority, lock=lock)
    job.defer(**{name: str(value) for name, value in arguments.items()})


def pause_after(
    attempts: int,
    *,
    first: timedelta = FIRST_PAUSE,
    longest: timedelta = LONGEST_PAUSE,
    schedule: Sequence[timedelta] = (),
    jitter: tuple[float, float] = (0.5, 1),
) -> timedelta:
    """The pause after so many attempts that failed before (from 0): doubling, or the next one of a ``schedule``.

    It is multiplied by a random number within ``jitter``, so that what failed together does not return together.
    """
    plain = schedule[min(attempts, len(schedule) - 1)] if schedule else min(first * 2 ** min(attempts, 16), longest)
    return plain * uniform(*jitter)  # noqa: S311 - no secret


class NeverGiveUp(BaseRetryStrategy):
    """Tries again and again, with :func:`pause_after` between (engineering notes, "Rotation")."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        return RetryDecision(retry_in={"seconds": int(pause_after(job.attempts).total_seconds()) + 1})

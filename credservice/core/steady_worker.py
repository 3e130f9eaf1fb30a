"""Keeps a worker at work when its connections are cut: a restart or a failover of the database ends none.

procrastinate's worker ends wherever its listener, its clock or a look for work fails, and its caller is not told why.
So it is run anew, on new connections, until a signal asks for the end.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import structlog
from django.db import close_old_connections
from procrastinate import App, signals
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.worker import Worker

from credservice.core import tracing
from credservice.core.jobs import pause_after

log = structlog.get_logger(__name__)

# A database that is back is found again soon: an attempt costs it one refused connection.
FIRST_PAUSE = timedelta(seconds=0.5)
LONGEST_PAUSE = timedelta(seconds=3)
Lost = (ConnectorException, psycopg.Error)
# What could be begun now: a job whose lock another one holds, perhaps a dead worker's, could not.
_DUE = """SELECT EXISTS (
    SELECT FROM procrastinate_jobs job WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
    AND NOT EXISTS (SELECT FROM procrastinate_jobs other WHERE other.lock = job.lock AND other.status = 'doing')
) AS due"""


class Threads(ThreadPoolExecutor):
    """Runs jobs, and whatever else asks Django's connections, on ones that work.

    Where ``CONN_HEALTH_CHECKS`` is set, one that was cut meanwhile is replaced before it fails somebody.
    """

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(_with_working_connections, work, *args, **kwargs)


def _with_working_connections(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    close_old_connections()
    return work(*args, **kwargs)


class _Worker(Worker):
    async def _process_job(self, context: JobContext) -> None:
        try:
            with tracing.span(f"job {context.job.task_name}", "consumer"):
                await super()._process_job(context)
        except Lost as error:
            # That it ended could not be written: it would count as running for as long as this worker is registered.
            log.warning("job_end_not_written", task=context.job.task_name, job=context.job.id, error=name_of(error))
            self.stop()  # type: ignore[no-untyped-call]


class SteadyWorker:
    """Works until SIGTERM or SIGINT, which let the jobs in hand finish; a second one does not."""

    def __init__(self, make_app: Callable[[], Awaitable[tuple[App, bool]]], **options: Any) -> None:
        """``make_app`` makes one with new connections, and says if it may listen; raises one of ``Lost``.

        ``options`` are those of procrastinate's worker.
        """
        self._make_app = make_app
        self._options = options
        self._asked = False
        self._worker: Worker | None = None
        self._task: asyncio.Task[Any] | None = None
        self._left: int | None = None  # the number of the worker before, where it could not sign off

    def is_at_work(self) -> bool:
        """Tell if it has its connections: it is no more than waiting for the database otherwise."""
        return self._worker is not None

    async def run(self) -> None:
        """Work, and come back after a pause whenever the database is away. Raises what no waiting mends."""
        self._task = asyncio.current_task()
        attempts = 0
        with signals.on_stop(self._stop), suppress(asyncio.CancelledError):
            while not self._asked:
                began = time.monotonic()
                error = await self._try_shift()
                if not self._asked:
                    attempts = 0 if time.monotonic() - began > LONGEST_PAUSE.total_seconds() else attempts + 1
                    pause = pause_after(attempts, first=FIRST_PAUSE, longest=LONGEST_PAUSE).total_seconds()
                    log.warning("worker_reconnects", error=error, seconds=round(pause, 1))
                    await asyncio.sleep(pause)

    async def drain(self) -> None:
        """Work until nothing is left to begin: also what a job enqueues once procrastinate has stopped looking.

        Raises one of ``Lost`` where the database goes away.
        """
        self._task = asyncio.current_task()
        due = True
        with signals.on_stop(self._stop), suppress(asyncio.CancelledError):
            while due and not self._asked:
                await self._shift(wait=False)
                app, _ = await self._make_app()
                async with app.open_async():
                    due = (await app.connector.execute_query_one_async(_DUE))["due"]

    async def _try_shift(self) -> str:
        """Return the name of the error that ended it; procrastinate keeps some to its log."""
        try:
            await self._shift()
        except Lost as error:
            if not self._asked and isinstance(cause_of(error), psycopg.ProgrammingError):
                raise  # no table, no right to it
            return name_of(error)
        return ""

    async def _shift(self, **options: Any) -> None:
        app, listens = await self._make_app()
        async with app.open_async():
            app.perform_import_paths()  # type: ignore[no-untyped-call]
            await self._sign_off(app)
            options |= self._options
            worker = self._worker = _Worker(app, install_signal_handlers=False, listen_notify=listens, **options)
            try:
                await worker.run()  # type: ignore[no-untyped-call]
            finally:
                self._worker, self._left = None, worker.worker_id

    async def _sign_off(self, app: App) -> None:
        """Have the jobs of the worker before taken up now, rather than half a minute after its last heartbeat."""
        if self._left is not None:
            await app.job_manager.unregister_worker(self._left)
            self._left = None
            with suppress(AlreadyEnqueued):
                await app.configure_task("jobs.rescue").defer_async(timestamp=0)

    def _stop(self) -> None:
        self._asked = True
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]
        elif self._task is not None:
            self._task.cancel()


def cause_of(error: BaseException) -> BaseException:
    """Find what the driver said: procrastinate wraps it."""
    return error.__cause__ or error


def name_of(error: BaseException) -> str:
    return type(cause_of(error)).__name__

"""``manage.py worker``: does the work that requests leave behind."""

import asyncio
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import count
from typing import Any, NoReturn

import psycopg
import structlog
from asgiref.sync import SyncToAsync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.psycopg_connector import PsycopgConnector

from credservice.checks import refuse_unsound_start
from credservice.core import direct_database
from credservice.core.database_session import is_pooled_async, settle_async
from credservice.core.jobs import pause_after
from credservice.core.startup import does_not_answer, start_tracing, what_it_lacks
from credservice.core.steady_worker import FIRST_PAUSE, LONGEST_PAUSE, Lost, SteadyWorker, Threads, cause_of, name_of
from credservice.core.worker_health import Heart
from credservice.http.metrics_server import serve_metrics

log = structlog.get_logger(__name__)

# What a worker does in the meantime it finishes within this; what takes longer is taken up by another worker.
SHUTDOWN_SECONDS = 20.0
# How often jobs of a later time are looked for, such as another attempt; new ones are announced at once.
POLLING_SECONDS = 1.0
# So long a connection is waited for before the worker begins anew.
CONNECT_SECONDS = 5.0
# For what procrastinate asks: the next job, how one ended, a heartbeat. The listener's comes to them.
CONNECTIONS = 2
IDLE_SECONDS = 30.0  # of the second one, before it is closed


class Command(BaseCommand):
    help = (
        "Make pending credentials, end revoked ones, expire and rotate what is due. Run as many as you like; "
        "Ctrl-C or SIGTERM lets the work in hand finish. Without its database it waits until that is back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=4, help="Jobs at a time (default 4).")
        parser.add_argument("--once", action="store_true", help="Stop when nothing is left to do now.")
        parser.add_argument(
            "--check",
            action="store_true",
            help="Only tell how the workers on this machine are; exit status 1 where one hangs or none runs.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            raise CommandError("--check stands alone: worker --check")  # which credservice.__main__ answers
        # Alive from now on: a database that is away, or slow checks, are no reason to start it anew.
        with nullcontext() if options["once"] else Heart(settings.VAR_DIR) as heart:
            with _ended_by_signals():
                _start(heart)
            try:
                asyncio.run(_work(options["concurrency"], heart))
            except Lost as error:
                sentence = what_it_lacks(cause_of(error))
                raise CommandError(sentence or f"The database does not answer as it must ({name_of(error)}).") from None


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGINT end a worker that has nothing in hand yet. The first process of a container has no other
    answer to them than its own."""

    def end(*_: Any) -> NoReturn:
        raise SystemExit(0)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(heart: Heart | None) -> None:
    if heart is not None:
        _await_database(heart)
    refuse_unsound_start()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no memory with keys in it on anybody's disk
    if settings.WORKER_METRICS and heart is not None:
        try:
            serve_metrics(settings.WORKER_METRICS)
        except ValueError as error:
            raise CommandError(f"WORKER_METRICS={settings.WORKER_METRICS}: {error}.") from None
        except OSError as error:  # a port in use: what is counted is worth less than the work
            log.error("metrics_not_served", address=settings.WORKER_METRICS, error=error.strerror)  # noqa: TRY400 - no stack
    start_tracing()
    connection.settings_dict["CONN_HEALTH_CHECKS"] = True  # of every thread: all of them share it


def _await_database(heart: Heart) -> None:
    """Wait for a database that cannot be reached yet: that it is away is no fault of a start, nor of a set-up."""
    for tries in count():
        heart.beat(is_at_work=False)
        try:
            return connection.ensure_connection()
        except DatabaseError as error:
            sentence = does_not_answer(error)
            if sentence is None:
                raise
            log.warning("worker_waits", error=sentence)
            time.sleep(pause_after(tries, first=FIRST_PAUSE, longest=LONGEST_PAUSE).total_seconds())


async def _work(concurrency: int, heart: Heart | None) -> None:
    """Work until a signal asks for the end; without a heart, until nothing is left to do."""
    # Jobs run in these; beside them look-ups of names, and what procrastinate's Django connector is asked by periodic
    # tasks, which needs no thread of its own.
    threads = Threads(concurrency + 1)
    asyncio.get_running_loop().set_default_executor(threads)
    SyncToAsync.single_thread_executor = threads
    worker = SteadyWorker(
        _connected,
        concurrency=concurrency,
        delete_jobs="successful",
        fetch_job_polling_interval=POLLING_SECONDS,
        shutdown_graceful_timeout=SHUTDOWN_SECONDS,
    )
    if heart is None:
        await worker.drain()
        return
    beats = asyncio.create_task(heart.keep_beating(worker.is_at_work))
    try:
        await worker.run()
    finally:
        beats.cancel()
        with suppress(asyncio.CancelledError):
            await beats


async def _connected() -> tuple[App, bool]:
    """Return an app with connections of its own, and whether it may LISTEN on one. Raises psycopg.Error.

    Only the worker gets such: what a task enqueues stays in its own transaction, on Django's connection, and no job is
    seen before what it is about. The pool would try for half a minute to reach a database that is away; this tells at
    once. A pooler's connection that listens would hear for somebody else: behind one, jobs are looked for in time.
    """
    parameters = direct_database.parameters()
    async with await psycopg.AsyncConnection.connect(**parameters) as opened:
        may_listen = not await is_pooled_async(opened)
    connector = PsycopgConnector(
        kwargs=parameters,
        configure=settle_async,
        timeout=CONNECT_SECONDS,
        min_size=1,
        max_size=CONNECTIONS,
        max_idle=IDLE_SECONDS,
    )
    return app.with_connector(connector), may_listen

"""``manage.py worker``: does the work that requests leave behind."""

import asyncio
import resource
import signal
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from credservice.checks import refuse_unsound_start

# What a worker does in the meantime it finishes within this; what takes longer is taken up by another worker.
SHUTDOWN_SECONDS = 20.0
# How often jobs of a later time are looked for, such as another attempt; new ones are announced at once.
POLLING_SECONDS = 1.0
# What could be begun now. None of our jobs has a lock, which would keep it from that.
_DUE = """SELECT EXISTS (
    SELECT FROM procrastinate_jobs WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
) AS due"""


class Command(BaseCommand):
    help = (
        "Make pending credentials, end revoked ones, expire and rotate what is due. Run as many as you like; "
        "Ctrl-C or SIGTERM lets the work in hand finish."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=4, help="Jobs at a time (default 4).")
        parser.add_argument("--once", action="store_true", help="Stop when nothing is left to do now.")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unsound_start()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no memory with keys in it on anybody's disk
        connector = app.connector
        assert isinstance(connector, DjangoConnector)
        # LISTEN/NOTIFY needs connections of its own, which Django's cannot be. Only the worker gets them: what a task
        # enqueues stays in its own transaction, and no job is seen before what it is about.
        worker_app = app.with_connector(connector.get_worker_connector())
        work = self._drain if options["once"] else self._work
        asyncio.run(work(worker_app, concurrency=options["concurrency"]))

    async def _work(self, worker_app: App, **options: Any) -> None:
        async with worker_app.open_async():
            await worker_app.run_worker_async(
                delete_jobs="successful",
                fetch_job_polling_interval=POLLING_SECONDS,
                shutdown_graceful_timeout=SHUTDOWN_SECONDS,
                listen_notify=True,
                **options,
            )

    async def _drain(self, worker_app: App, **options: Any) -> None:
        """Also what a job enqueues once there was nothing else to begin: procrastinate looks only until then."""
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        due = True
        with suppress(asyncio.CancelledError):
            while due:
                await self._work(worker_app, wait=False, install_signal_handlers=False, **options)
                async with worker_app.open_async():
                    due = (await worker_app.connector.execute_query_one_async(_DUE))["due"]

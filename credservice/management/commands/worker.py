"""``manage.py worker``: does the work that requests leave behind."""

import asyncio
import resource
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from credservice.checks import refuse_unsound_start

# What a worker does in the meantime it finishes within this; what takes longer is taken up by another worker.
SHUTDOWN_SECONDS = 20.0


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
        asyncio.run(self._work(worker_app, options["concurrency"], wait=not options["once"]))

    async def _work(self, worker_app: Any, concurrency: int, *, wait: bool) -> None:
        async with worker_app.open_async():
            await worker_app.run_worker_async(
                concurrency=concurrency,
                wait=wait,
                delete_jobs="successful",
                shutdown_graceful_timeout=SHUTDOWN_SECONDS,
                listen_notify=True,
            )

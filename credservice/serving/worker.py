"""Runs the loop as gunicorn's worker process: its master starts, replaces and stops the processes."""

import os
import time

from django.conf import settings
from gunicorn.workers.base import Worker

from credservice.serving.connections import Budget, Limits
from credservice.serving.loop import Loop

TICK_SECONDS = 0.25
ACCEPT_SECONDS = 0.5  # of a worker that stops: see credservice.serving.stopping
IDLE_SECONDS = 2.0
HELD_BYTES = 64 * 1024 * 1024  # of all long bodies that arrive at once, and of all answers that wait for their clients


class DoorWorker(Worker):
    """Serves until its master says otherwise, or is gone; then answers whatever has been begun."""

    def run(self) -> None:
        most = settings.IMPORT_MAX_BYTES
        long_bodies = Budget(max(HELD_BYTES, most))
        limits = Limits(most, settings.DATA_UPLOAD_MAX_MEMORY_SIZE, long_bodies, Budget(HELD_BYTES))
        sockets = [listener.sock for listener in self.sockets]  # type: ignore[attr-defined] # gunicorn's wrappers
        loop = Loop(self.wsgi, sockets, self.cfg.threads, limits)
        loop.start()
        while self.alive and self.ppid == os.getppid():
            self._pass_time(loop)
        loop.stop(IDLE_SECONDS)
        end = time.monotonic() + ACCEPT_SECONDS
        while time.monotonic() < end:
            self._pass_time(loop)
        loop.stop_listening()
        end = time.monotonic() + self.cfg.graceful_timeout
        while not loop.is_empty and time.monotonic() < end:
            self._pass_time(loop)

    def _pass_time(self, loop: Loop) -> None:
        self.notify()
        time.sleep(TICK_SECONDS)
        loop.tick()

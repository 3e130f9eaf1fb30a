"""Runs a program of `make run`: its process, its log file, and what of the log needs attention."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from credservice.devserver import Refusal
from credservice.devserver.child_process import LeashedProcess
from credservice.devserver.terminal import AttentionTail

_READY_TIMEOUT = 60.0
_STOP_TIMEOUT = 30.0  # the worker gives its jobs 20 s to finish, gunicorn its requests 30 s
_WORTH_TELLING = 2.0  # seconds of silence, after which it is said what is waited for
_LOG_BYTES = 10 * 1024 * 1024
_PAUSE = 0.2


class Service:
    """A program, started when made; a context manager stops it. The end of one that is not ``needed`` is only told."""

    def __init__(self, name: str, command: Sequence[str], log: Path, *, needed: bool = True, **settings: str) -> None:
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.rename(log.with_suffix(".log.1"))
        self._name, self._log, self._needed, self._told = name, log, needed, False
        with log.open("ab") as output:
            self._start = output.tell()
            self._tail = AttentionTail(log, self._start)
            self._process = LeashedProcess(command, output=output, env=os.environ | settings)

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.ask_to_end()
        if not self._process.ends_within(_WORTH_TELLING):
            print(f"The {self._name} finishes what it has begun, in {_STOP_TIMEOUT:.0f} s at most ...", flush=True)
        self._process.stop(timeout=_STOP_TIMEOUT)
        self._tail.show_new()

    def ask_to_end(self) -> None:
        self._process.ask_to_end()

    def check(self) -> None:
        """Show what needs attention; a Refusal where the program has ended."""
        status = self._process.poll()
        if status is not None and not self._needed:
            self._tell_once(f"The {self._name} ended with status {status}. The next `make run` starts it again.")
        elif status is not None:
            raise Refusal(f"The {self._name} ended with status {status}. {self._log} ends with:\n{self._last_lines()}")
        self._tail.show_new()

    def _tell_once(self, sentence: str) -> None:
        if not self._told:
            print(sentence, flush=True)
        self._told = True

    def await_health(self, url: str) -> None:
        """Return when `url` answers 200; a Refusal where it does not within a minute."""
        deadline = time.monotonic() + _READY_TIMEOUT
        while not _answers(url):
            self.check()
            if time.monotonic() > deadline:
                raise Refusal(f"The {self._name} does not answer {url}. {self._log} ends with:\n{self._last_lines()}")
            time.sleep(_PAUSE / 4)

    @staticmethod
    def watch(services: Sequence[Service]) -> None:
        """Stay until one of them ends by itself."""
        while True:
            for service in services:
                service.check()
            time.sleep(_PAUSE)

    def _last_lines(self, number: int = 10) -> str:
        with self._log.open("rb") as log:
            log.seek(self._start)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-number:])


def _answers(url: str) -> bool:
    try:
        # By address, but under a name that ALLOWED_HOSTS lets in.
        request = urllib.request.Request(url, headers={"Host": "localhost"})  # noqa: S310 - http, by Layout
        with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False

"""Waits for the callback that keeps the promise of a 202, and makes one answer of the two."""

import json
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from provisioning.checker import expect
from provisioning.checker.connector import Connector
from provisioning.checker.connector.callbacks import Callback
from provisioning.checker.failures import Failure
from provisioning.checker.messages import Reply, Request

# As which answer a case sees what a callback reports as done.
DONE = {"PUT": 201, "PATCH": 200, "DELETE": 204}
STEP_SECONDS = 1.0
# A provider that never calls back should not hold up every case for the whole time: after so many, wait this long.
MISSED, IMPATIENT_SECONDS = 3, 2.0

# Told what is waited for and for how many seconds already; the empty text ends it.
Progress = Callable[[str, float], None]


class Promises:
    """The callbacks of one case; `seconds` is how long each may take."""

    def __init__(self, connector: Connector, seconds: float, progress: Progress) -> None:
        self.connector = connector
        self._seconds = seconds
        self._progress = progress
        self._missed = 0
        self._given: list[tuple[Reply, Callback]] = []

    def expect(self, request: Request) -> Callback | None:
        """Await the callback that a request names, before it is sent."""
        return self.connector.expect(request)

    def answered(self, reply: Reply, callback: Callback) -> None:
        """Note that the provider has answered: from a 202 on, the callback may come."""
        self._given.append((reply, callback))
        if reply.status == 202:
            callback.promised.set()
            expect.message(reply)

    def kept(self, reply: Reply, callback: Callback) -> Reply:
        """Wait for the outcome of a 202. Raises Failure where no callback comes, or a bad one."""
        self._wait(reply, callback)
        _check(reply, callback)
        content = callback.content
        if content.pop("state") == "error":
            return replace(reply, later=f"202, then an error by callback: {content['message']}")
        status = DONE[reply.request.method]
        body = b"" if status == 204 else json.dumps(content).encode()
        headers = (("Content-Type", "application/json"),)
        return Reply(reply.request, status, headers, body, later=f"202, then done by callback, as {status}")

    def _wait(self, reply: Reply, callback: Callback) -> None:
        started = monotonic()
        seconds = self._seconds if self._missed < MISSED else min(self._seconds, IMPATIENT_SECONDS)
        try:
            while not callback.wait(min(STEP_SECONDS, max(0.0, started + seconds - monotonic()))):
                elapsed = monotonic() - started
                if elapsed >= seconds:
                    self._missed += 1
                    raise Failure(_overdue(callback, seconds), reply)
                self._progress(f"waiting for the callback of {reply.request.line}", elapsed)
        finally:
            self._progress("", 0.0)
        self._missed = 0

    def check(self) -> None:
        """Raise Failure where a callback of this case has a problem, also one that came after its outcome."""
        for reply, callback in self._given:
            _check(reply, callback)

    def close(self) -> None:
        """End the case."""
        self._given = []


def _check(reply: Reply, callback: Callback) -> None:
    if callback.problem is not None:
        raise Failure(callback.problem, reply)


def _overdue(callback: Callback, seconds: float) -> str:
    text = f"the callback did not come within {seconds:g} s"
    if not callback.refusals:
        return text
    return f"{text}; these attempts were refused: {', '.join(dict.fromkeys(callback.refusals))}"

"""Records refusals at best effort, and never so many that refused calls fill the disk."""

import threading
import time
from dataclasses import replace

import structlog
from django.db import Error, transaction

from credservice.audit.log import Line, record

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60.0
RECORDED_PER_WINDOW = 60  # of one action by one actor, in each process
MAX_ACTORS = 256


class Sampler:
    """Lets the first refusals of each window through, counts the others, and tells how many when the next one opens.

    An actor's name may be the caller's invention: beyond ``MAX_ACTORS`` within one window, all further ones share one.
    """

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def admit(self, action: str, actor: str, now: float) -> tuple[bool, int]:
        """Decide whether to record this one, and count how many of the window before were not."""
        with self._lock:
            key = self._key(action, actor, now)
            opened, count = self._windows.get(key, (now, 0))
            unrecorded = 0
            if now - opened >= WINDOW_SECONDS:
                unrecorded = max(0, count - RECORDED_PER_WINDOW)
                opened, count = now, 0
            self._windows[key] = (opened, count + 1)
            return count < RECORDED_PER_WINDOW, unrecorded

    def _key(self, action: str, actor: str, now: float) -> tuple[str, str]:
        if (action, actor) not in self._windows and len(self._windows) >= MAX_ACTORS:
            self._forget_ended(now)
            if len(self._windows) >= MAX_ACTORS:
                return action, "*"
        return action, actor

    def _forget_ended(self, now: float) -> None:
        """Windows that are over make room; what they did not record goes to the log."""
        ended = {key: count for key, (opened, count) in self._windows.items() if now - opened >= WINDOW_SECONDS}
        for key in ended:
            del self._windows[key]
        unrecorded = sum(max(0, count - RECORDED_PER_WINDOW) for count in ended.values())
        if unrecorded:
            log.warning("refusals_not_recorded", refusals=unrecorded)


_sampler = Sampler()


def record_refusal(line: Line) -> bool:
    """Record that something was refused. A log that cannot be written does not turn a refusal into an error.

    Returns whether this one is in the sample.
    """
    admitted, unrecorded = _sampler.admit(line.action, line.actor, time.monotonic())
    if not admitted:
        return False
    log.info("refused", action=line.action, actor=line.actor, reason=line.reason)
    detail = line.detail | ({"unrecorded_before": unrecorded} if unrecorded else {})
    try:
        with transaction.atomic():
            record(replace(line, outcome="refused", detail=detail))
    except Error as error:
        log.warning("refusal_not_recorded", action=line.action, error=type(error).__name__)
    return True

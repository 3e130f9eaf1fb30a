"""Refusals in the trail: best effort, and never so many that refused calls fill the disk."""

import threading
import time
from typing import Any

import structlog
from django.db import Error, transaction

from credservice.audit.trail import record

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60.0
RECORDED_PER_WINDOW = 60  # of one action by one actor, in each process


class Sampler:
    """Lets the first refusals of each window through, counts the others, and tells how many when the next one opens."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def admit(self, key: tuple[str, str], now: float) -> tuple[bool, int]:
        """Whether to record this one, and how many of the window before were not."""
        with self._lock:
            opened, count = self._windows.get(key, (now, 0))
            unrecorded = 0
            if now - opened >= WINDOW_SECONDS:
                unrecorded = max(0, count - RECORDED_PER_WINDOW)
                opened, count = now, 0
            self._windows[key] = (opened, count + 1)
            return count < RECORDED_PER_WINDOW, unrecorded


_sampler = Sampler()


def record_refusal(*, action: str, actor: str, reason: str, detail: dict[str, Any] | None = None, **what: Any) -> None:
    """Record that something was refused. A trail that cannot be written does not turn a refusal into an error."""
    log.info("refused", action=action, actor=actor, reason=reason)
    admitted, unrecorded = _sampler.admit((action, actor), time.monotonic())
    if not admitted:
        return
    detail = dict(detail or {})
    if unrecorded:
        detail["unrecorded_before"] = unrecorded
    try:
        with transaction.atomic():
            record(action=action, actor=actor, outcome="refused", reason=reason, detail=detail, **what)
    except Error as error:
        log.warning("refusal_not_recorded", action=action, error=type(error).__name__)

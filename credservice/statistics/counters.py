"""Counts in memory, and adds that to the hour's row every few seconds, off every request's path.

An exchange costs no statement for it. A process that is killed loses what it counted in the last few seconds: these
are statistics; the record is the audit trail.
"""

import atexit
import threading
import time
from collections import Counter

import structlog
from django.db import Error, connection

FLUSH_SECONDS = 5.0
MAX_NAMES = 500  # of all hours and series in memory: what is beyond is counted as "other"
MAX_NAME = 64
# Upper bounds in seconds; the last takes all above. Fine where the service is, coarse where it should not be.
BOUNDS = (
    *(0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
    *(0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
log = structlog.get_logger(__name__)

_Key = tuple[int, str, str]  # the hour's first second since the epoch, series, name
_counted: Counter[_Key] = Counter()
_lock = threading.Lock()
_stop = threading.Event()

# Sorted: two processes that write the same rows take their locks in one order.
_ADD = """
INSERT INTO statistics_tally AS t (hour, series, name, count, written_at)
SELECT to_timestamp(u.hour), u.series, u.name, u.count, now()
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[]) AS u (hour, series, name, count)
ORDER BY u.series, u.hour, u.name
ON CONFLICT (series, hour, name) DO UPDATE SET count = t.count + excluded.count, written_at = excluded.written_at
"""


def count(series: str, name: str) -> None:
    """Count one of ``name`` in the hour that runs."""
    _add((_hour(), series, str(name)[:MAX_NAME]), 1)


def count_seconds(series: str, seconds: float) -> None:
    """Count one in the bucket of ``seconds``, in the hour that runs."""
    bound = next((bound for bound in BOUNDS if seconds <= bound), BOUNDS[-1])
    _add((_hour(), f"{series}.seconds", str(bound)), 1)


def flush() -> None:
    """Add what was counted to the table. What cannot be written now is kept for the next time."""
    with _lock:
        counted = dict(_counted)
        _counted.clear()
    if not counted:
        return
    hours, series, names = zip(*counted, strict=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [list(hours), list(series), list(names), list(counted.values())])
    except Error as error:
        log.warning("statistics_not_written", error=type(error).__name__)
        for key, number in counted.items():
            _add(key, number)


def start() -> None:
    """Have this process flush from now on, and once more at its end. For a server's process, after its fork."""
    _counted.clear()  # the parent's, if any
    atexit.register(_flush_and_close)
    threading.Thread(target=_run, name="statistics", daemon=True).start()


def _run() -> None:
    while not _stop.wait(FLUSH_SECONDS):
        _flush_and_close()


def _flush_and_close() -> None:
    """A connection of its own would be one more for each process, mostly idle."""
    try:
        flush()
    finally:
        connection.close()


def _hour() -> int:
    return int(time.time()) // 3600 * 3600


def _add(key: _Key, number: int) -> None:
    with _lock:
        if key not in _counted and len(_counted) >= MAX_NAMES:
            key = (key[0], key[1], "other")
        _counted[key] += number

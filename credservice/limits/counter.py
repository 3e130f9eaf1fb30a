"""Limits rates over all processes and machines: one counter a caller and minute, one round trip a call.

Callers for whom there is no row, such as networks, share a fixed number of counters, so that nobody fills the table
with theirs. Which one is whose goes by a key of ours: nobody finds an address that shares a chosen person's.
"""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from credservice.core.exceptions import TooMany
from credservice.crypto import digest

BUCKETS = 65_536
WIDER = 5  # so many times what a network may do, may all of a wider network do

_COUNT = """
INSERT INTO limits_window AS w (key, minute, calls) VALUES (%(key)s, date_bin(%(window)s, now(), 'epoch'), 1)
ON CONFLICT (key) DO UPDATE SET
    calls = CASE WHEN w.minute = excluded.minute THEN w.calls + 1 ELSE 1 END, minute = excluded.minute
RETURNING calls, ceil(extract(epoch FROM w.minute + %(window)s - now()))::int
"""


class Window(NamedTuple):
    """The time that runs: how many calls it has seen, this one included, and how many seconds are left of it."""

    calls: int
    seconds_left: int


def count(key: str, minutes: int = 1) -> Window:
    """Count one call of ``key``, in a window of so many minutes."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"key": key, "window": f"{minutes} minutes"})
        calls, seconds_left = cursor.fetchone()
    return Window(calls, max(1, seconds_left))


def count_call(key: str, most: int, minutes: int = 1) -> None:
    """Count one call of ``key`` in the window that runs. Raises :class:`TooMany` past ``most``."""
    refuse_past(most, count(key, minutes), minutes)


def count_networks(kind: str, networks: Sequence[str], per_minute: int) -> None:
    """Count one call of a network, and of each wider one it lies in. Raises :class:`TooMany` for either."""
    for step, network in enumerate(networks):
        count_call(bucket(kind, network), per_minute * WIDER**step)


def bucket(kind: str, caller: str) -> str:
    """Name the counter of a caller whom no row of ours stands for."""
    return f"{kind}:{int.from_bytes(digest(f'{kind} {caller}', 'limits')[4:8]) % BUCKETS}"


def forget(key: str) -> None:
    """Begin the count of ``key`` anew."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM limits_window WHERE key = %s", [key])


def refuse_past(most: int, window: Window, minutes: int = 1) -> None:
    """Raise :class:`TooMany` where the window has seen more calls than that."""
    if window.calls > most:
        span = "this minute" if minutes == 1 else f"{minutes} minutes"
        raise TooMany(
            f"More than {most} requests in {span}. Try again in {window.seconds_left} s.",
            retry_after=window.seconds_left,
        )

"""Many callers at once, in threads with database connections of their own; and waiting for what others do."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection


def at_once(call: Callable[[int], Any], times: int) -> list[Any]:
    """The results, or the exceptions, of ``times`` calls that start at the same moment."""
    results: list[Any] = [None] * times
    barrier = threading.Barrier(times)

    def run(number: int) -> None:
        try:
            barrier.wait(20)
            results[number] = call(number)
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)

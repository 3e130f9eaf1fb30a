"""Starts the processes that a test interrupts as a terminal starts them, however the tests were started themselves."""

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def default_interrupts() -> Iterator[None]:
    """Start processes inside that end on SIGINT, unless they say otherwise; from the main thread alone.

    A shell's background job ignores SIGINT, and so does every process below it: being ignored is inherited, where a
    handler becomes the default. So one is set until they are started, which also holds for what a class starts.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

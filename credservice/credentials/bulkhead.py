"""Limits how many of a process's threads wait for issuers: one that is slow must not stop both doors."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from credservice.core.exceptions import Unavailable

_places: threading.BoundedSemaphore | None = None


def limit(places: int) -> None:
    """Allow so many threads of this process at a time. For the application server; without it there is no limit."""
    global _places
    _places = threading.BoundedSemaphore(places)


@contextmanager
def place(*, wait: float = 0.0) -> Iterator[None]:
    """Hold a place. Raises :class:`Unavailable` where all are taken: at once, or after so many seconds."""
    places = _places
    if places is None:
        yield
        return
    if not places.acquire(timeout=wait):
        raise Unavailable("Credentials are being made by others right now. Try again shortly.", retry_after=1)
    try:
        yield
    finally:
        places.release()


def unlimit() -> None:
    """Allow as many as come."""
    global _places
    _places = None

"""Counts how often a block waits for PostgreSQL, by libpq's own trace of what comes over the wire."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


class RoundTrips:
    """The number of answers that were waited for, once the block has ended."""

    count = 0


@contextmanager
def counted_round_trips() -> Iterator[RoundTrips]:
    """Count what this thread's connection of Django's waits for."""
    counted = RoundTrips()
    connection.ensure_connection()
    server = connection.connection.pgconn
    with tempfile.TemporaryFile() as trace:
        server.trace(trace.fileno())
        try:
            yield counted
        finally:
            server.untrace()
        trace.seek(0)
        counted.count = trace.read().count(b"ReadyForQuery")

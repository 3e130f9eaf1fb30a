"""Figures of slow work for Prometheus, read from the database by partial indexes."""

from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

# Kept in step with services.operations.STUCK_AFTER, as the credentials' own figure is.
_OPERATIONS = """
SELECT verb, count(*), count(*) FILTER (WHERE attempts >= 5) FROM provisioning_operation
WHERE state IN ('queued', 'running') GROUP BY verb
"""
_CALLBACKS = """
SELECT state, count(*) FROM provisioning_callback
WHERE state = 'waiting' AND sealed_body IS NOT NULL OR state IN ('conflict', 'refused') GROUP BY state
"""


class SlowWork(Collector):
    """Operations under way, callbacks on their way, and those of either that a person should look at."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("credservice_operations_waiting", "Slow work under way.", labels=["verb"])
        stuck = GaugeMetricFamily("credservice_operations_stuck", "Failing again and again.", labels=["verb"])
        callbacks = GaugeMetricFamily("credservice_callbacks", "Not taken by a connector yet.", labels=["state"])
        with connection.cursor() as cursor:
            cursor.execute(_OPERATIONS)
            for verb, count, failing in cursor.fetchall():
                waiting.add_metric([verb], count)
                stuck.add_metric([verb], failing)
            cursor.execute(_CALLBACKS)
            for state, count in cursor.fetchall():
                callbacks.add_metric([state], count)
        yield from (waiting, stuck, callbacks)

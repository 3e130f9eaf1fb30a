"""Counts slow work and what is told of it for Prometheus, by partial indexes of the database."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client import Metric

from credservice.figures import gauge, gauges, rows
from credservice.keys.reminders import SOON
from provisioning.models import TrustedKey

# Kept in step with services.operation_worker.STUCK_AFTER, as the credentials' own figure is.
_OPERATIONS = """
SELECT verb, count(*), count(*) FILTER (WHERE attempts >= 5) FROM provisioning_operation
WHERE state IN ('queued', 'running') GROUP BY verb
"""
_CALLBACKS = """
SELECT state, count(*) FROM provisioning_callback
WHERE state = 'waiting' AND sealed_body IS NOT NULL OR state IN ('conflict', 'refused') GROUP BY state
"""
# One without a body waits for its operation, not for the connector.
_OLDEST = """
SELECT coalesce(extract(epoch FROM now() - min(requested_at)), 0) FROM (
    SELECT requested_at FROM provisioning_callback WHERE state = 'waiting' AND sealed_body IS NOT NULL
    ORDER BY requested_at LIMIT 1
) AS oldest
"""


def slow_work() -> Iterator[Metric]:
    """Count operations under way, callbacks on their way, and those of either that a person should look at."""
    under_way = rows(_OPERATIONS)
    waiting, stuck = [(verb, n) for verb, n, _ in under_way], [(verb, n) for verb, _, n in under_way]
    yield gauges("credservice_operations_waiting", "Slow work under way.", "verb", waiting)
    yield gauges("credservice_operations_stuck", "Failing again and again.", "verb", stuck)
    yield gauges("credservice_callbacks", "Not taken by a connector yet.", "state", rows(_CALLBACKS))
    ((age,),) = rows(_OLDEST)
    yield gauge("credservice_callback_oldest_seconds", "Since the oldest was asked for that a connector can take.", age)


def trusted_keys() -> Iterator[Metric]:
    """Count the marketplaces' keys that will soon be trusted no more."""
    ending = TrustedKey.objects.live().filter(ends_at__lte=timezone.now() + SOON).count()
    yield gauge("credservice_trusted_keys_ending", "Live ones that end within two weeks.", ending)

"""Counts slow work and what is told of it for Prometheus, by partial indexes of the database."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client import Metric

from credservice.figures import gauge, gauges, rows
from credservice.keys.reminders import SOON
from provisioning.models import TrustedKey

# Kept in step with services.operation_worker.STUCK_AFTER, as the credentials' own figure is.
_OPERATIONS = """
SELECT protocol_name, verb, count(*), count(*) FILTER (WHERE attempts >= 5) FROM provisioning_operation operation
JOIN provisioning_resource resource ON resource.id = operation.resource_id
JOIN provisioning_marketplace marketplace ON marketplace.id = resource.marketplace_id
WHERE operation.state IN ('queued', 'running') GROUP BY protocol_name, verb
"""
# One without a body waits for its operation, not for the connector.
_CALLBACKS = """
SELECT protocol_name, state, count(*), extract(epoch FROM now() - min(requested_at)) FROM provisioning_callback callback
JOIN provisioning_marketplace marketplace ON marketplace.id = callback.marketplace_id
WHERE state = 'waiting' AND sealed_body IS NOT NULL OR state IN ('conflict', 'refused') GROUP BY protocol_name, state
"""


def slow_work() -> Iterator[Metric]:
    """Count operations under way, callbacks on their way, and those of either that a person should look at."""
    under_way, of = rows(_OPERATIONS), ["protocol", "verb"]
    waiting, stuck = [(*found, n) for *found, n, _ in under_way], [(*found, n) for *found, _, n in under_way]
    yield gauges("credservice_operations_waiting", "Slow work under way.", of, waiting)
    yield gauges("credservice_operations_stuck", "Failing again and again.", of, stuck)
    callbacks = rows(_CALLBACKS)
    untaken = [(*found, n) for *found, n, _ in callbacks]
    yield gauges("credservice_callbacks", "Not taken by a connector yet.", ["protocol", "state"], untaken)
    ages = [(protocol, age) for protocol, state, _, age in callbacks if state == "waiting"]
    about = "Since the oldest was asked for that a connector can take."
    yield gauges("credservice_callback_oldest_seconds", about, ["protocol"], ages)


def trusted_keys() -> Iterator[Metric]:
    """Count the marketplaces' keys that will soon be trusted no more."""
    ending = TrustedKey.objects.live().filter(ends_at__lte=timezone.now() + SOON).count()
    yield gauge("credservice_trusted_keys_ending", "Live ones that end within two weeks.", ending)

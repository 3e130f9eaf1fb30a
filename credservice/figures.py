"""Reads what Prometheus is told of the database: workers, jobs, credentials, events, keys, the trail, connections.

Each function is asked at a scrape, by every web process's own. So each reads an index, or a table that stays small, and
counts no further than ``MOST``: a figure that stands there means "at least".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from credservice.audit.partitions import lines_without_month
from credservice.audit_chain.sealing import oldest_unsealed
from credservice.audit_chain.status import chain_state
from credservice.keys.models import SigningKey, SigningSecret
from credservice.keys.reminders import SOON
from credservice.statistics.reading import credential_states
from credservice.vendor_api.models import ServiceToken

MOST = 10_000
WITHIN_DAYS = (1, 7, 30)

# A worker whose heart has not beaten for longer than this has died: its jobs go to others.
_WORKERS = """
SELECT count(*) FILTER (WHERE last_heartbeat > now() - interval '30 seconds'),
    extract(epoch FROM now() - max(last_heartbeat))
FROM procrastinate_workers
"""
# A job that may be begun at once keeps the time of its own making in its events alone.
_JOBS = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(due)), 0) FROM (
    SELECT coalesce(scheduled_at, (SELECT min(at) FROM procrastinate_events WHERE job_id = job.id)) AS due
    FROM procrastinate_jobs AS job WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
    ORDER BY priority DESC, id LIMIT %s
) AS jobs
"""
_WAITING = """
SELECT state, count(*), count(*) FILTER (WHERE attempts >= 5) FROM credentials_credential
WHERE state IN ('pending', 'retiring') AND (state = 'pending' OR retires_at <= now()) GROUP BY state
"""
# The soonest first, so that the shortest span is the last to be cut off.
_ENDING = """
SELECT days, renewed, count(*) FROM (
    SELECT expires_at, rotates_at IS NOT NULL OR refresh_at IS NOT NULL AS renewed FROM credentials_credential
    WHERE state = 'active' AND expires_at < now() + %s * interval '1 day' ORDER BY expires_at LIMIT %s
) AS ending JOIN unnest(%s::int[]) AS days ON expires_at < now() + days * interval '1 day'
GROUP BY days, renewed
"""
_DELIVERIES = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM (
    SELECT delivery.created_at FROM events_eventdelivery AS delivery
    JOIN events_eventendpoint AS endpoint ON endpoint.id = endpoint_id
    WHERE state = 'pending' AND is_active LIMIT %s
) AS waiting
"""
_ENDPOINTS = """
SELECT count(*) FILTER (WHERE is_active AND failing_since IS NULL),
    count(*) FILTER (WHERE is_active AND failing_since IS NOT NULL), count(*) FILTER (WHERE ended_by <> '')
FROM events_eventendpoint
"""
# Of other roles' connections only the database can be seen, which is enough.
_CONNECTIONS = """
SELECT count(*) FILTER (WHERE datname = current_database()), count(*), current_setting('max_connections')::int
FROM pg_stat_activity WHERE datname IS NOT NULL
"""


def rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def gauge(name: str, about: str, value: float | None) -> Metric:
    """Make the one series of this name; none for None."""
    return GaugeMetricFamily(name, about, value=value)


def gauges(name: str, about: str, labels: Sequence[str], values: Iterable[Sequence[Any]]) -> Metric:
    """Make one series for each row of ``values``: those of the labels, and the series' own."""
    family = GaugeMetricFamily(name, about, labels=labels)
    for *of, value in values:
        family.add_metric(of, value)
    return family


def workers() -> Iterator[Metric]:
    """Read how many workers live, and how long ago the last heartbeat was: never where all have stopped in order."""
    ((alive, age),) = rows(_WORKERS)
    yield gauge("credservice_workers", "Workers with a heartbeat in the last 30 seconds.", alive)
    yield gauge("credservice_worker_heartbeat_age_seconds", "Since the newest heartbeat of a worker.", age)


def jobs() -> Iterator[Metric]:
    """Read how much work is due, and for how long the oldest of it."""
    ((due, oldest),) = rows(_JOBS, MOST)
    yield gauge("credservice_jobs_due", "Jobs that a worker could begin now.", due)
    yield gauge("credservice_job_oldest_seconds", "For so long the oldest of them has been due.", oldest)


def credentials() -> Iterator[Metric]:
    """Read how many there are by state, what is under way outside, and what ends soon."""
    states = credential_states().counts
    of = ["state"]
    yield gauges("credservice_credentials", "Credentials by state.", of, states.items())
    waiting = rows(_WAITING)
    yield gauges("credservice_credentials_waiting", "Under way outside.", of, [(state, n) for state, n, _ in waiting])
    yield gauges(
        "credservice_credentials_stuck", "Failing again and again.", of, [(state, n) for state, _, n in waiting]
    )
    ending = {(days, renewed): 0 for days in WITHIN_DAYS for renewed in (True, False)}
    ending |= {(days, renewed): n for days, renewed, n in rows(_ENDING, max(WITHIN_DAYS), MOST, list(WITHIN_DAYS))}
    about = "Active, with an end within so many days; renewed: by itself before it."
    told = [(str(days), str(renewed).lower(), count) for (days, renewed), count in ending.items()]
    yield gauges("credservice_credentials_ending", about, ["within_days", "renewed"], told)


def events() -> Iterator[Metric]:
    """Read what is on its way to the vendor's endpoints, and how these are."""
    ((waiting, oldest),) = rows(_DELIVERIES, MOST)
    yield gauge("credservice_events_waiting", "Deliveries of events on their way.", waiting)
    yield gauge("credservice_event_oldest_seconds", "Age of the oldest of them.", oldest)
    ((well, failing, ended),) = rows(_ENDPOINTS)
    states = [("well", well), ("failing", failing), ("ended", ended)]
    about = "Endpoints of events; ended: suspended by the service, since nothing was taken for days."
    yield gauges("credservice_event_endpoints", about, ["state"], states)


def keys() -> Iterator[Metric]:
    """Read which secrets and keys a person should see to within two weeks."""
    now = timezone.now()
    secrets = SigningSecret.objects.live(now).filter(ends_at__lte=now + SOON).count()
    yield gauge("credservice_signing_secrets_ending", "Live ones that end within two weeks.", secrets)
    tokens = ServiceToken.objects.filter(revoked_at=None, expires_at__gt=now, expires_at__lte=now + SOON).count()
    yield gauge("credservice_service_tokens_ending", "Live ones that end within two weeks.", tokens)
    old = SigningKey.objects.to_rotate().count()
    yield gauge("credservice_signing_keys_old", "Those that have signed for half a year, without a successor.", old)


def trail() -> Iterator[Metric]:
    """Read whether the audit log is sealed, whole, and in its months."""
    oldest, chain = oldest_unsealed(), chain_state()
    age = (timezone.now() - oldest if oldest else timedelta()).total_seconds()
    yield gauge("credservice_audit_unsealed_seconds", "Age of the oldest line that no batch holds yet.", age)
    yield gauge(
        "credservice_audit_sealing_refused", "1 where the chain is not the one remembered.", bool(chain.refused)
    )
    yield gauge("credservice_audit_chain_broken", "1 where the last verification found a fault.", bool(chain.broken))
    rest = "1 where audit lines lie in no month's partition: see docs/operating.md."
    yield gauge("credservice_audit_lines_without_month", rest, lines_without_month())


def connections() -> Iterator[Metric]:
    """Read how many connections PostgreSQL has, and how many it takes."""
    ((ours, used, most),) = rows(_CONNECTIONS)
    of = [("this", ours), ("others", used - ours)]
    yield gauges("credservice_database_connections", "Open, to this database and to others.", ["database"], of)
    yield gauge("credservice_database_connections_max", "As many as PostgreSQL takes.", most)


FIGURES: tuple[Callable[[], Iterator[Metric]], ...] = (
    *(workers, jobs, credentials, events),
    *(keys, trail, connections),
)

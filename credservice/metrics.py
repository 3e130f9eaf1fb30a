"""Figures for Prometheus: requests by room and outcome, calls of issuers, stale hand-outs, and what waits.

Counted in each process, added up when they are read (prometheus_client's multiprocess mode, in a folder that
``credservice.gunicorn`` makes). What waits is read from the database when asked for, by partial indexes.
"""

import os
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from credservice.audit.partitions import lines_without_month
from credservice.http.client_address import is_within, network_address, parse_networks
from credservice.statistics import counters

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROOMS = {"credential-exchange": "exchange", "v1": "provisioning", "api": "vendor_api", "admin": "console"}

REQUESTS = Counter("credservice_requests", "Requests answered.", ["room", "method", "status"])
SECONDS = Histogram("credservice_request_seconds", "Time to answer a request.", ["room"], buckets=BUCKETS)
ISSUER_CALLS = Counter("credservice_issuer_calls", "Calls of issuers.", ["issuer", "call", "outcome"])
STALE_HANDOUTS = Counter("credservice_stale_handouts", "Due credentials handed out because their issuer was down.")

_WAITING = """
SELECT state, count(*), count(*) FILTER (WHERE attempts >= 5) FROM credentials_credential
WHERE state IN ('pending', 'retiring') AND (state = 'pending' OR retires_at <= now()) GROUP BY state
"""

_more: list[type[Collector]] = []


def register_collector(collector: type[Collector]) -> None:
    """Have ``/metrics`` read a door's own figures as well, when it is asked for them."""
    _more.append(collector)


class MetricsMiddleware:
    """Counts and times every request. Outermost, so that what other layers take is in the time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        room = ROOMS.get(request.path_info[1:].partition("/")[0], "other")
        # An unknown method is a caller's invention: as a label it would let anybody make series.
        method = request.method if request.method in ("GET", "POST", "PUT", "PATCH", "DELETE") else "other"
        REQUESTS.labels(room, method, response.status_code).inc()
        seconds = time.perf_counter() - started
        SECONDS.labels(room).observe(seconds)
        if room == "exchange":
            counters.count_seconds(room, seconds)
        return response


class Waiting(Collector):
    """Credentials that are being made or ended outside, and those of them that a person should look at."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with connection.cursor() as cursor:
            cursor.execute(_WAITING)
            rows = cursor.fetchall()
        waiting = GaugeMetricFamily("credservice_credentials_waiting", "Under way outside.", labels=["state"])
        stuck = GaugeMetricFamily("credservice_credentials_stuck", "Failing again and again.", labels=["state"])
        for state, count, failing in rows:
            waiting.add_metric([state], count)
            stuck.add_metric([state], failing)
        yield waiting
        yield stuck
        rest = "1 where audit lines lie in no month's partition: see docs/operating.md."
        yield GaugeMetricFamily("credservice_audit_lines_without_month", rest, value=int(lines_without_month()))


@csrf_exempt  # it changes nothing, and reads no form
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """``/metrics``, for the networks in ``METRICS_NETWORKS`` alone; anybody else gets a 404."""
    if not is_within(network_address(request), parse_networks(tuple(settings.METRICS_NETWORKS))):
        return HttpResponse("There is nothing at this path.", status=404, content_type="text/plain")
    registry: CollectorRegistry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        body = generate_latest(registry)
    else:
        body = generate_latest(REGISTRY)
    registry = CollectorRegistry()
    registry.register(Waiting())
    for collector in _more:
        registry.register(collector())
    return HttpResponse(body + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

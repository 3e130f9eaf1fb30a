"""Gives Prometheus its figures: what the processes counted, and what the database knows (``credservice.figures``).

Counted in each process, added up when they are read (prometheus_client's multiprocess mode, in a folder that
``credservice.gunicorn`` makes). A worker's counts are its own: ``credservice.http.metrics_server``.
"""

import os
import time
from collections.abc import Callable, Iterator
from functools import lru_cache

import structlog
from django.conf import settings
from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from credservice.core.instruments import Build
from credservice.figures import FIGURES, gauge
from credservice.http.client_address import is_within, network_address, parse_networks
from credservice.statistics import counters

log = structlog.get_logger(__name__)
BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROOMS = {"credential-exchange": "exchange", "v1": "provisioning", "osb": "osb", "api": "vendor_api", "admin": "console"}

REQUESTS = Counter("credservice_requests", "Requests answered.", ["room", "method", "status"])
SECONDS = Histogram("credservice_request_seconds", "Time to answer a request.", ["room"], buckets=BUCKETS)

# A child of a metric is found by its labels at some cost; there are few.
_requests, _seconds = lru_cache(maxsize=512)(REQUESTS.labels), lru_cache(maxsize=16)(SECONDS.labels)

Figures = Callable[[], Iterator[Metric]]
# So long the database may take for one of them: a scrape must end before the next begins.
FIGURE_SECONDS = 2
_more: list[Figures] = []


def register_figures(figures: Figures) -> None:
    """Have ``/metrics`` read a door's own figures as well, when it is asked for them."""
    _more.append(figures)


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
        _requests(room, method, response.status_code).inc()
        seconds = time.perf_counter() - started
        _seconds(room).observe(seconds)
        if room == "exchange":
            counters.count_seconds(room, seconds)
        return response


class DatabaseFigures(Collector):
    """Reads what the database knows. Where it does not answer, that is told, with all that the processes counted."""

    def collect(self) -> Iterator[Metric]:
        answers = self._answers()
        yield gauge("credservice_database_up", "1 where the database answers.", answers)
        for figures in (*FIGURES, *_more) if answers else ():
            yield from self._read(figures)

    def _answers(self) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error:
            return False
        return True

    def _read(self, figures: Figures) -> list[Metric]:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{FIGURE_SECONDS}s"])
                read = list(figures())
                transaction.set_rollback(True)  # nothing was written, and the limit ends here
                return read
        except Error as error:
            log.warning("figures_not_read", figures=figures.__name__, error=type(error).__name__)
            return []


@csrf_exempt  # it changes nothing, and reads no form
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer ``/metrics`` for the networks in ``METRICS_NETWORKS`` alone; anybody else gets a 404."""
    if not is_within(network_address(request), parse_networks(tuple(settings.METRICS_NETWORKS))):
        return HttpResponse("There is nothing at this path.", status=404, content_type="text/plain")
    registry: CollectorRegistry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        body = generate_latest(registry)
    else:
        body = generate_latest(REGISTRY)
    registry = CollectorRegistry()
    registry.register(Build())
    registry.register(DatabaseFigures())
    return HttpResponse(body + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

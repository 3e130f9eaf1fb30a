"""Declares the Prometheus metrics that rooms below ``metrics`` write to. Labels are names of set-up or code."""

import platform
from collections.abc import Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import InfoMetricFamily
from prometheus_client.registry import Collector

from credservice import __version__

EXCHANGES = Counter("credservice_exchanges", "Exchanges granted.", ["platform"])
# Of no platform that there is: an empty name, whatever the caller's was.
REFUSED_EXCHANGES = Counter("credservice_refused_exchanges", "Exchanges refused.", ["platform", "reason"])

ISSUER_CALLS = Counter("credservice_issuer_calls", "Calls of issuers.", ["issuer", "call", "outcome"])
ISSUER_SECONDS = Histogram(
    "credservice_issuer_call_seconds",
    "Time that a call of an issuer took.",
    ["issuer", "call"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60),
)
STALE_HANDOUTS = Counter("credservice_stale_handouts", "Due credentials handed out because their issuer was down.")


class Build(Collector):
    """Names what runs: ``credservice_build_info``, always 1."""

    def collect(self) -> Iterator[InfoMetricFamily]:
        running = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("credservice_build", "The release that runs, and its Python.", value=running)

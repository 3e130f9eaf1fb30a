"""Answers Prometheus in a process that has no web server: a worker, whose calls of issuers nobody else counts."""

import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import Any

import structlog
from django.conf import settings
from prometheus_client import MetricsHandler
from prometheus_client.registry import REGISTRY

from credservice.core.instruments import Build
from credservice.http.client_address import RELAYED, is_within, parse_networks

log = structlog.get_logger(__name__)
CALLERS = 4  # at a time: each holds a thread
SECONDS = 5.0  # for all of a request and its answer


class _Handler(MetricsHandler):
    def do_GET(self) -> None:  # noqa: N802 - the library's name
        """Refuse what somebody passed on, as the web servers' ``/metrics`` does: no proxy belongs in front."""
        if any(name in self.headers for name in RELAYED):
            self.send_error(404)
        else:
            super().do_GET()


class _Server(ThreadingHTTPServer):
    """Gives a thread to the networks in ``METRICS_NETWORKS`` alone, and for a bounded time."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._ends: dict[Any, float] = {}
        super().__init__((host, port), _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        networks = parse_networks(tuple(settings.METRICS_NETWORKS))
        return len(self._ends) < CALLERS and is_within(client_address[0], networks)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._ends[request] = time.monotonic() + SECONDS
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._ends.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Cut off whoever takes longer, which ends the thread that waits. The server's loop asks twice a second."""
        now = time.monotonic()
        for request, end in list(self._ends.items()):
            if now > end:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.info("metrics_not_told", error=type(sys.exception()).__name__)


def serve_metrics(address: str) -> ThreadingHTTPServer:
    """Serve what this process counts at ``ADDRESS:PORT``, in a thread, until it ends.

    Raises ValueError for another form, OSError where the port cannot be had.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("write it as ADDRESS:PORT, such as 127.0.0.1:9464")
    server = _Server(host, int(port))
    REGISTRY.register(Build())
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server

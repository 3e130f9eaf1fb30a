"""A worker's port for Prometheus: who is let in, how many, and for how long."""

import socket

import httpx2
import pytest
from prometheus_client.registry import REGISTRY

from credservice.http import metrics_server
from credservice.http.metrics_server import CALLERS, serve_metrics


@pytest.fixture
def server(settings, monkeypatch):
    monkeypatch.setattr(REGISTRY, "register", lambda _: None)  # it holds for the process
    settings.METRICS_NETWORKS = ["127.0.0.1"]
    server = serve_metrics("127.0.0.1:0")
    yield server
    server.shutdown()
    server.server_close()


def connected(server) -> socket.socket:
    return socket.create_connection(server.server_address, timeout=20)


def ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def get(server, **headers: str) -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{server.server_address[1]}/metrics", headers=headers, trust_env=False)


def test_it_tells_a_network_that_is_named(server):
    answer = get(server)
    assert (answer.status_code, "# HELP" in answer.text) == (200, True)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "forwarded", "X-Real-IP"])
def test_what_somebody_passed_on_is_refused(server, settings, header):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert get(server, **{header: "127.0.0.1"}).status_code == 404


def test_another_network_gets_no_thread(server, settings):
    settings.METRICS_NETWORKS = ["203.0.113.0/24"]
    with connected(server) as other:
        assert ended(other)
    assert not server._ends


def test_who_dawdles_is_cut_off_and_holds_up_no_more_than_a_few_threads(server, monkeypatch):
    with monkeypatch.context() as patient:
        patient.setattr(metrics_server, "SECONDS", 0.0)
        patient.setattr(server, "service_actions", lambda: None)
        slow = [connected(server) for _ in range(CALLERS)]
        for each in slow:
            each.sendall(b"GET /metrics HTTP/1.1\r\nX-Long: ")  # and never the rest
        with connected(server) as one_too_many:
            assert ended(one_too_many)
        assert len(server._ends) == CALLERS
    for each in slow:
        assert ended(each)
        each.close()
    assert get(server).status_code == 200

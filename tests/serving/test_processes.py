"""The server's processes: stopped, restarted, killed; under load, and none of it fails a request that was sent."""

import contextlib
import os
import signal
import socket
import time

import httpx2
import psutil
import pytest

from tests.serving.load import Load, load
from tests.support.concurrency import until
from tests.support.live import own_database, serving

DRAIN_SECONDS = 2


def workers(service):
    return {process.pid for process in psutil.Process(service.pid).children()}


def ready(service, path="readyz"):
    return httpx2.get(f"{service.base_url}/{path}", timeout=10)


@pytest.fixture(scope="module")
def stopped():
    with own_database() as url, serving(url, DRAIN_SECONDS=str(DRAIN_SECONDS)) as service:
        service.kill()
        yield service


@pytest.fixture
def service(stopped):
    stopped.start()
    until(lambda: len(workers(stopped)) == 2)  # it answers as soon as the first is there
    yield stopped
    with contextlib.suppress(psutil.NoSuchProcess):
        stopped.kill()


def test_a_stop_answers_everybody_who_was_let_in(service):
    """First it is not ready, while all goes on; then nobody is let in any more."""
    master = psutil.Process(service.pid)
    with load(service) as clients:
        master.terminate()
        until(lambda: ready(service).status_code == 503)
        assert ready(service).json() == {"status": "stopping"}
        clients.await_more()
        master.wait(20)
        until(lambda: clients.refused > 8)
    assert set(clients.outcomes) == {200}


def test_a_second_signal_is_heeded_at_once(service):
    master, started = psutil.Process(service.pid), time.monotonic()
    master.terminate()
    until(lambda: ready(service).status_code == 503)
    master.send_signal(signal.SIGINT)
    master.wait(20)
    assert time.monotonic() - started < DRAIN_SECONDS + 5


def test_a_rolling_restart_fails_nobody(service):
    before = workers(service)
    with load(service) as clients:
        os.kill(service.pid, signal.SIGHUP)
        until(lambda: not before & workers(service) and len(workers(service)) == 2)
        clients.await_more()
    assert set(clients.outcomes) == {200}
    assert (clients.refused, ready(service).status_code) == (0, 200)


def test_a_successor_takes_over_without_failing_anybody(service):
    """USR2 starts it beside the running one, with the same sockets; as a new release does."""
    before = workers(service)
    with load(service) as clients:
        os.kill(service.pid, signal.SIGUSR2)
        until(lambda: workers(service) - before)
        [successor] = psutil.Process(service.pid).children()[-1:]
        try:
            until(lambda: len(successor.children()) == 2)
            os.kill(service.pid, signal.SIGTERM)
            psutil.Process(service.pid).wait(20)
            clients.await_more()
            assert ready(service).status_code == 200
        finally:
            successor.terminate()
            until(lambda: not successor.is_running() or successor.status() == psutil.STATUS_ZOMBIE)
    assert set(clients.outcomes) == {200}


def test_a_process_that_dies_is_replaced_and_what_it_counted_stays(service):
    with load(service, path=b"/readyz") as clients:
        pass
    first, second = workers(service)
    os.kill(first, signal.SIGKILL)
    until(lambda: len(workers(service) - {first}) == 2)
    lines = ready(service, "metrics").text.splitlines()
    counted = [line for line in lines if line.startswith("credservice_requests_total")]
    total = sum(float(line.rpartition(" ")[2]) for line in counted)
    assert total >= sum(clients.outcomes.values())
    assert second in workers(service)


def test_without_their_master_workers_let_go_of_the_port(service):
    children = psutil.Process(service.pid).children()
    os.kill(service.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=15)
    assert alive == []


def test_after_a_killed_master_the_next_one_takes_the_port_and_removes_its_figures(stopped, tmp_path, monkeypatch):
    """The folder of figures is one of its own, as where nobody names one."""
    monkeypatch.setitem(stopped.environment, "TMPDIR", str(tmp_path))
    monkeypatch.setitem(stopped.environment, "PROMETHEUS_MULTIPROC_DIR", "")
    stopped.start()
    (left,) = tmp_path.glob("credservice-metrics-*")
    os.kill(stopped.pid, signal.SIGKILL)
    until(lambda: _is_free(stopped.port))
    stopped.stop()
    stopped.start()
    assert "credservice_requests_total" in ready(stopped, "metrics").text
    assert [folder for folder in tmp_path.glob("credservice-metrics-*") if folder != left] != []
    assert not left.exists()
    stopped.stop()
    assert list(tmp_path.glob("credservice-metrics-*")) == []


def _is_free(port):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return taken.connect_ex(("127.0.0.1", port)) != 0


def test_connections_are_shared_between_the_processes(service):
    """One alone would answer with half of the machine."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(httpx2.Client()) for _ in range(20)]
        for client in clients:
            assert client.get(f"{service.base_url}/healthz").status_code == 200
        held = [
            sum(
                each.status == psutil.CONN_ESTABLISHED
                for each in process.net_connections("tcp4")
                if each.laddr.port == service.port
            )
            for process in psutil.Process(service.pid).children()
        ]
    assert sum(held) == 20
    assert min(held) >= 5


def test_a_worker_is_small(service):
    """Resident memory after some hundred requests; more than half of it is shared with the other processes."""
    with load(service, path=b"/readyz"):
        pass
    for process in psutil.Process(service.pid).children():
        memory = process.memory_full_info()
        assert memory.rss < 110 * 2**20
        assert memory.uss < 60 * 2**20


def test_a_unix_socket_is_served_and_drained(stopped):
    path = str(stopped.folder / "socket")
    stopped.environment["BIND"] = f"unix:{path}"
    stopped._answers = lambda: os.path.exists(path)
    try:
        stopped.start()
        master = psutil.Process(stopped.pid)
        with Load(path) as clients:
            master.terminate()
            master.wait(20)
            until(lambda: clients.refused > 8)
        assert set(clients.outcomes) == {200}
        assert not os.path.exists(path)
    finally:
        del stopped.environment["BIND"], stopped._answers

"""A real worker process, as probes and Prometheus see it."""

import socket
import subprocess
import sys
from typing import Any

import httpx2
import pytest

from credservice.core.worker_health import report
from tests.lifecycle.test_killed import environment_of
from tests.lifecycle.test_worker_reconnects import working
from tests.support.live import free_port
from tests.support.metrics import Scrape
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


def check(environment: dict[str, str]) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "manage.py"), "worker", "--check"]
    # Of the settings it needs the folder alone: what else is wrong is not for a probe to say.
    done = subprocess.run(command, env={"VAR_DIR": environment["VAR_DIR"]}, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_it_is_alive_to_a_probe_until_it_is_killed_and_counts_for_prometheus(outside, clear_jobs, tmp_path):
    clear_jobs()
    address = f"127.0.0.1:{free_port()}"
    environment = environment_of(outside.folder) | {"VAR_DIR": str(tmp_path), "WORKER_METRICS": address}
    with working(environment, tmp_path / "worker.log") as worker:
        worker.wait_for(lambda: check(environment)[0] == 0, "a sign of life")
        assert f"The worker {worker.process.pid} is alive" in check(environment)[1]
        assert Scrape(httpx2.get(f"http://{address}/metrics").text).has("credservice_build_info")
        worker.process.kill()
        worker.ended()
        status, sentence = check(environment)
        assert (status, sentence.startswith("No worker runs here")) == (1, True)


@pytest.mark.parametrize("wrong", ["9464", "127.0.0.1:none", "127.0.0.1:70000"])
def test_a_worker_that_cannot_tell_its_figures_says_so(outside, wrong):
    environment = environment_of(outside.folder) | {"WORKER_METRICS": wrong}
    command: list[Any] = [sys.executable, ROOT / "manage.py", "worker"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, f"WORKER_METRICS={wrong}: " in done.stderr) == (1, True)


def test_a_port_in_use_keeps_no_worker_from_its_work(outside, clear_jobs, tmp_path):
    clear_jobs()
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        environment = environment_of(outside.folder) | {"VAR_DIR": str(tmp_path), "WORKER_METRICS": address}
        with working(environment, tmp_path / "worker.log") as worker:
            worker.wait_for(lambda: "metrics_not_served" in worker.log.read_text(), "it says so")
            worker.wait_for(lambda: report(tmp_path)[1].endswith(" s old."), "it is at work")
            assert worker.terminate() == 0

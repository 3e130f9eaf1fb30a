"""The benchmark itself: it runs to its end, and no wrong answer passes for a good one."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.bench import wrk
from tests.bench.requests import checked
from tests.bench.servers import Server
from tests.support.http_server import Answer, http_server
from tests.support.live import conninfo
from tests.support.paths import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")]

BUDGETS = {
    *("exchange_to_peer", "exchange_p99_at_half_to_peer", "put_to_peer", "put_again_to_exchange"),
    *("bind_to_put", "catalogue_to_empty", "poll_to_empty"),
    *("exchange_many_to_few", "exchange_p99_growth_many_to_few", "worker_memory"),
    *("slow_clients_exchange_answered", "slow_clients_healthz_answered", "slow_clients_exchange_p99_growth"),
}


def test_a_quick_run_measures_everything():
    command = [sys.executable, "-m", "tests.bench", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = [line.split() for line in done.stdout.splitlines() if not line.startswith("#")]
    table = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("#")]
    assert {name for name, _, _ in figures} >= BUDGETS
    assert all(float(value) >= 0 for _, value, _ in figures)
    assert set(table) >= BUDGETS


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (Answer(200, b'{"apiKey": "good"}'), False),
        (Answer(201, b'{"apiKey": "good"}'), True),
        (Answer(500, b'{"apiKey": "good"}'), True),
        (Answer(200, b'{"apiKey": "bad"}'), True),
    ],
)
def test_an_answer_counts_only_with_its_status_and_body(answer, wrong, monkeypatch):
    monkeypatch.setattr(Server, "lines", lambda server: len(served.received))
    with http_server(lambda _: answer) as served:
        found = wrk.run(Server(served.port, 0, "", ""), checked(200, '"good"'), seconds=1, connections=2)
    assert found.requests > 0
    assert found.errors == (found.requests if wrong else 0)


def test_an_answer_without_a_line_in_the_trail_is_an_error():
    with http_server(lambda _: Answer()) as served:
        server = Server(served.port, 0, conninfo(os.environ["DATABASE_URL"]), trail="pg_roles")
        found = wrk.run(server, checked(200, "{}"), seconds=1, connections=2)
    assert found.errors == found.requests > 0

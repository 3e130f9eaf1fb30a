"""A program of `make run`, and its end."""

import sys
import time

import pytest

from credservice.devserver import service as services
from credservice.devserver.service import Service

SLOW = "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"


@pytest.mark.parametrize(("seconds", "told"), [(0.2, True), (10.0, False)])
def test_it_says_what_it_waits_for_where_that_takes_long(tmp_path, capsys, monkeypatch, seconds, told):
    monkeypatch.setattr(services, "_WORTH_TELLING", seconds)
    with Service("worker", ["sh", "-c", SLOW], tmp_path / "worker.log"):
        time.sleep(0.5)
    said = capsys.readouterr().out
    assert ("The worker finishes what it has begun, in 30 s at most" in said) == told


def test_a_second_request_to_end_is_not_sent(tmp_path):
    script = "import signal, time; signal.signal(15, lambda *_: print('asked', flush=True)); time.sleep(0.5)"
    with Service("server", [sys.executable, "-c", f"{script}; time.sleep(1.5)"], tmp_path / "server.log") as server:
        time.sleep(0.4)
        server.ask_to_end()
        server.ask_to_end()
    assert (tmp_path / "server.log").read_text() == "asked\n"

"""Rotating while a platform fetches all the time: no call fails, and nothing that has ended is handed out."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest

from tests.e2e.partners import MindCloud
from tests.lifecycle.outside import Outside
from tests.lifecycle.served import IDS, served_with
from tests.support.paths import ROOT

ROTATIONS = 4


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(tmp_path / "outside")


@pytest.fixture
def service(outside, tmp_path):
    with served_with(outside, tmp_path) as service:
        yield service


@pytest.fixture
def worker(service):
    process = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=service.environment)
    yield process
    process.terminate()
    assert process.wait(30) == 0


class Fetcher(threading.Thread):
    """Fetches until told to stop; keeps what went wrong, and what it got."""

    def __init__(self, service, outside: Outside) -> None:
        super().__init__()
        self.service, self.outside = service, outside
        self.stopped = threading.Event()
        self.calls = 0
        self.wrong: list[tuple[int, str]] = []
        self.seen: set[str] = set()

    def run(self) -> None:
        with httpx2.Client(timeout=30, trust_env=False) as client:
            mindcloud = MindCloud(self.service, client)
            while not self.stopped.is_set():
                answer = mindcloud.exchange(**IDS)
                self.calls += 1
                password = answer.json().get("password", "")
                alive = password.removeprefix("password-of-") in self.outside.live()
                if answer.status_code != 200 or not alive:
                    self.wrong.append((answer.status_code, answer.text))
                self.seen.add(password)


def test_no_exchange_fails_while_its_credential_is_rotated(service, worker, outside):
    with httpx2.Client(timeout=30, trust_env=False) as client:
        first = MindCloud(service, client).exchange(**IDS)
    assert first.status_code == 200
    fetchers = [Fetcher(service, outside) for _ in range(3)]
    for fetcher in fetchers:
        fetcher.start()
    try:
        for rotation in range(ROTATIONS):
            _rotate(service, rotation)
    finally:
        for fetcher in fetchers:
            fetcher.stopped.set()
            fetcher.join(60)
    assert [fetcher.wrong for fetcher in fetchers] == [[], [], []]
    assert len(set.union(*(fetcher.seen for fetcher in fetchers))) == ROTATIONS + 1
    assert sum(fetcher.calls for fetcher in fetchers) > 100


def _rotate(service, rotation: int) -> None:
    """Rotate the active credential, and wait until its successor is handed out."""
    active = _active(service, rotation)
    done = service.manage("rotate", active)
    assert done.returncode == 0, done.stderr
    _active(service, rotation + 1)
    time.sleep(0.3)


def _active(service, rotated: int) -> str:
    """The id of the active credential, once so many have retired."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        rows = service.rows(
            "SELECT c.state, c.id::text FROM credentials_credential c"
            " JOIN credentials_credentialpolicy p ON p.id = c.policy_id WHERE p.name = 'passwords'"
        )
        active = [row_id for state, row_id in rows if state == "active"]
        if active and sum(state == "retiring" for state, _ in rows) == rotated:
            return str(active[0])
        time.sleep(0.05)
    raise AssertionError(f"no active credential after {rotated} rotations")

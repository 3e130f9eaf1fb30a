"""An issuer that hangs stops nobody who does not need it."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.e2e.partners import MindCloud
from tests.lifecycle.outside import Outside
from tests.lifecycle.served import IDS, served_with

CALLERS = 16  # twice the threads of both processes
UNHURRIED = 2.0  # seconds


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(tmp_path / "outside")


@pytest.fixture
def service(outside, tmp_path):
    with served_with(outside, tmp_path) as service:
        yield service


def test_hand_outs_and_health_go_on_while_an_issuer_hangs(service, outside):
    outside.fault("before-issue", "hang")

    def ask(**ids: str) -> tuple[int, float]:
        started = time.monotonic()
        with httpx2.Client(timeout=60, trust_env=False) as client:
            return MindCloud(service, client).exchange(**ids).status_code, time.monotonic() - started

    def health() -> float:
        started = time.monotonic()
        assert httpx2.get(f"{service.base_url}/healthz", timeout=60).status_code == 200
        return time.monotonic() - started

    with ThreadPoolExecutor(CALLERS) as callers:
        hanging = [callers.submit(ask, **IDS) for _ in range(CALLERS)]
        time.sleep(1)
        others = [ask() for _ in range(10)]
        healthy = max(health() for _ in range(10))
        refused = [call.result()[0] for call in hanging]
    assert {status for status, _ in others} == {200}
    assert max(seconds for _, seconds in others) < UNHURRIED
    assert healthy < UNHURRIED
    assert set(refused) <= {200, 503}
    assert refused.count(503) >= CALLERS - 4

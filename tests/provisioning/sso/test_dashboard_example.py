"""docs/examples/sso_dashboard.py, as a vendor starts it, against the served service."""

import os
import re
import subprocess
import sys
import time

import httpx2
import pytest

from tests.provisioning.sso.served import market_of
from tests.support.http_server import unused_port
from tests.support.paths import ROOT

EXAMPLE = ROOT / "docs/examples/sso_dashboard.py"


@pytest.fixture(scope="module")
def dashboard(live_service):
    """Serve the vendor's dashboard, and name the marketplace that sends users there."""
    url = f"http://localhost:{unused_port()}/"
    made = live_service.manage("create_token", "dashboard-example", "--scope", "sso:redeem")
    token = re.search(r"cst_\w+", made.stdout)[0]
    environment = {"PATH": os.environ["PATH"], "CREDSERVICE": live_service.base_url, "DASHBOARD": url}
    command = [sys.executable, str(EXAMPLE), url.rpartition(":")[2].strip("/")]
    process = subprocess.Popen(command, env=environment | {"SERVICE_TOKEN": token}, stderr=subprocess.DEVNULL)
    with market_of(live_service, dashboard=url) as market:
        yield market
    process.kill()
    process.wait()


@pytest.fixture
def address(dashboard):
    """Find where a user is sent, with their token."""
    resource_id = dashboard.order()
    answer = httpx2.get(dashboard.link(resource_id), timeout=30)
    assert answer.status_code == 303
    return answer.headers["Location"]


def get(address):
    for _ in range(100):
        try:
            return httpx2.get(address, timeout=30)
        except httpx2.ConnectError:
            time.sleep(0.1)
    raise AssertionError("the example did not start")


def test_a_user_is_let_in_once(address):
    first = get(address)
    assert (first.status_code, first.text[:40]) == (200, "Hello check-provider@example.com, this i")
    assert "session=" in first.headers["Set-Cookie"]
    assert get(address).status_code == 401


def test_a_changed_token_is_refused(address):
    head, payload, signature = address.split(".")
    assert get(f"{head}.{payload[:-4]}AAAA.{signature}").status_code == 401
    assert get(address.partition("?")[0]).status_code == 401


def test_it_has_under_75_lines():
    assert len(EXAMPLE.read_text().splitlines()) < 75

"""The backend of docs/examples, as a vendor starts it: its page, and a token from the vendor API."""

import json
import os
import subprocess
import sys
import time

import httpx2
import pytest

from tests.support.http_server import Answer, Received, http_server, unused_port
from tests.support.paths import ROOT

EXAMPLE = ROOT / "docs/examples/mindcloud_backend.py"
PROBLEM = {"type": "urn:credservice:problem:mindcloud_unavailable", "detail": "Later."}


@pytest.fixture
def backend():
    """Its address, what the vendor API received, and the answers that it gives before the good one."""
    faults: list[Answer] = []

    def answer(_: Received) -> Answer:
        return faults.pop() if faults else Answer(200, json.dumps({"token": "browser-token"}).encode())

    with http_server(answer) as api:
        port = unused_port()
        environment = {"PATH": os.environ["PATH"], "CREDSERVICE_URL": api.url, "CREDSERVICE_TOKEN": "cst_1"}
        process = subprocess.Popen([sys.executable, str(EXAMPLE), str(port)], env=environment)
        try:
            yield f"http://127.0.0.1:{port}", api.received, faults
        finally:
            process.kill()
            process.wait()


def ask(method: str, url: str) -> httpx2.Response:
    for _ in range(200):
        try:
            return httpx2.request(method, url, timeout=10)
        except httpx2.ConnectError:
            time.sleep(0.05)
    raise AssertionError("the example did not start")


def test_its_page_asks_for_a_token_that_is_the_customers(backend):
    url, received, _ = backend
    assert 'fetch("/mindcloud-token"' in ask("GET", url).text
    assert ask("POST", f"{url}/mindcloud-token").json() == {"token": "browser-token"}
    (request,) = received
    assert request.path == "/api/v1/end-users/customer-1/mindcloud-token"
    assert request.headers["authorization"] == "Bearer cst_1"


def test_a_problem_stays_in_its_log(backend):
    url, _, faults = backend
    faults.append(Answer(503, json.dumps(PROBLEM).encode()))
    answer = ask("POST", f"{url}/mindcloud-token")
    assert (answer.status_code, "urn:" in answer.text) == (503, False)

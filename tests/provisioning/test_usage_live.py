"""Batches over real HTTP: bodies that are longer than the other routes take."""

import json

import httpx2
import pytest

from tests.provisioning.usage import report


@pytest.fixture(scope="module")
def send(live_service):
    """POST a body as a vendor's backend does."""
    made = live_service.manage("create_token", "usage-live", "--scope", "usage:write")
    assert made.returncode == 0, made.stderr
    headers = {"Authorization": f"Bearer {made.stdout.strip()}", "Content-Type": "application/json"}
    url = f"{live_service.base_url}/api/v1/usage"
    return lambda content: httpx2.post(url, content=content, headers=headers, trust_env=False)


def body(count, key=""):
    """Make that many reports of resources that are not there."""
    return json.dumps({"reports": [report(f"{key}{n}", resource="unknown") for n in range(count)]}).encode()


def in_chunks(content):
    for start in range(0, len(content), 10_000):
        yield content[start : start + 10_000]


def test_a_thousand_reports_are_read_to_the_last(send):
    long = body(1000, "x" * 100)
    assert len(long) > 200_000
    answer = send(long)
    assert (answer.status_code, len(answer.json()["problems"])) == (404, 1000)


def test_a_chunked_batch_is_read_as_far_as_any_chunked_body(send):
    assert len(send(in_chunks(body(100))).json()["problems"]) == 100
    assert send(in_chunks(body(1000))).status_code == 413


def test_a_body_that_is_too_long_is_refused(send):
    assert send(body(3000, "x" * 200)).json()["type"] == "urn:credservice:problem:too_large"

"""The endpoint of docs/examples, as a vendor starts it, against the issuer."""

import os
import socket
import subprocess
import sys
import time
from uuid import uuid4

import pytest

from credservice.issuers.base import IssueRequest, IssuerUnavailable
from tests.issuers.webhook_vendor import NEW, issuer_at, secrets_in_environment  # noqa: F401
from tests.support.http_server import unused_port
from tests.support.paths import ROOT

EXAMPLE = ROOT / "docs/examples/vendor_endpoint.py"
OPTIONS = {"names": ["API_KEY"]}


@pytest.fixture(scope="module")
def endpoint():
    port = unused_port()
    environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": NEW}
    process = subprocess.Popen([sys.executable, str(EXAMPLE), str(port)], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the example did not start")


def test_it_has_under_80_lines():
    assert len(EXAMPLE.read_text().splitlines()) < 80


def test_it_makes_checks_and_revokes(endpoint):
    issuer, credential_id = issuer_at(endpoint), str(uuid4())
    issued = issuer.issue(IssueRequest(credential_id, OPTIONS, {}))
    assert len(issued.values["API_KEY"]) > 40
    assert issuer.check(credential_id, OPTIONS, {})
    issuer.revoke(credential_id, OPTIONS, {})
    assert not issuer.check(credential_id, OPTIONS, {})
    issuer.revoke(credential_id, OPTIONS, {})


def test_a_repeat_is_answered_the_same(endpoint):
    request = IssueRequest(str(uuid4()), OPTIONS, {})
    assert issuer_at(endpoint).issue(request).values == issuer_at(endpoint).issue(request).values


def test_it_refuses_a_wrong_signature(endpoint, monkeypatch):
    monkeypatch.setenv("WEBHOOK_NEW", "whsec_" + "A" * 44)
    with pytest.raises(IssuerUnavailable, match="answered 401: The signature does not fit"):
        issuer_at(endpoint, secrets=["env:WEBHOOK_NEW"]).issue(IssueRequest(str(uuid4()), OPTIONS, {}))

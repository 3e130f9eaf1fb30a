"""The example of docs/vendor-api.md that does by a script what a set-up file does."""

import os
import subprocess
import sys

import pytest

from credservice_client import NULL, Client, Conflict
from tests.client.test_snippets import code
from tests.support.paths import ROOT


def test_the_script_sets_up_and_a_second_run_changes_nothing(vendor_service, service_token):
    environment = os.environ | {
        "CREDSERVICE_URL": vendor_service.base_url,
        "CREDSERVICE_TOKEN": service_token,
        "CRM_SIGNING_SECRET": "a-signing-secret-of-the-script-0123",
        "BROKER_PASSWORD": "a-broker-password-of-the-script-0123",
        "PYTHONPATH": str(ROOT),
    }
    script = code("python", (ROOT / "docs/vendor-api.md").read_text())
    written = "SELECT count(*) FROM audit_auditevent WHERE actor LIKE 'token:%' AND action NOT LIKE 'vendor_api.%'"
    counts = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)
        counts.append(vendor_service.rows(written))
    assert counts[0] == counts[1]
    with Client(vendor_service.base_url, service_token) as api:
        assert api.put_platform("crm", requests_per_minute=NULL).requests_per_minute is None
        assert api.put_platform("crm", requests_per_minute=None).requests_per_minute is None
    kinds = "SELECT DISTINCT action FROM audit_auditevent WHERE action IN ('plan.created', 'broker_password.created')"
    assert len(vendor_service.rows(kinds)) == 2


def test_changed_answers_are_a_conflict_until_they_are_accepted(api):
    now = api.read_integration("int_abc123").response_shape
    then = {**now, "plan": "$end_user.plan"}
    with pytest.raises(Conflict, match=r"1 installation would get no answer: install_xyz789 \(the customer") as refusal:
        api.put_integration("int_abc123", response_shape=then)
    assert refusal.value.code == "answers_would_change"
    assert api.put_integration("int_abc123", response_shape=then, accept_changed_answers=True).response_shape == then
    assert api.put_integration("int_abc123", response_shape=now).response_shape == now  # a repair


# No credential was made by this policy: other tests have some made by those of the demonstration.
UNUSED = """\
policies:
  unused: {issuer: api_key, options: {name: apiKey, prefix: acme, environment: demo}}
platforms:
  mindcloud:
    integrations:
      int_unused: {policy: unused, response: {apiKey: $credential.apiKey}}
    end_users:
      enduser_456def: {installations: {install_unused: int_unused}}
"""


def test_so_is_another_issuer_of_a_policy(api, vendor_service):
    (vendor_service.folder / "unused.yaml").write_text(UNUSED)
    done = vendor_service.manage("apply", str(vendor_service.folder / "unused.yaml"))
    assert done.returncode == 0, done.stderr
    with pytest.raises(Conflict, match="install_unused") as refusal:
        api.put_policy("unused", issuer="static", options={"names": ["apiKey"]})
    assert refusal.value.code == "answers_would_change"

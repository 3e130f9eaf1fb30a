"""Every case of the provider API, against `make run`: one or several credentials, at once or by callback."""

import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from provisioning.checker.cases.manifold import CASES
from tests.devserver.running import Run, bare_environment
from tests.support.live import free_port

REGION = "--region=all::global"
BEAR = ["--product=bear", "--plan=ursa-minor", "--new-plan=ursa-major"]
BEAR += ['--plan-features={"age":2,"hat_color":"red","ready":true}']
CUB = ["--product=cub", "--plan=den", "--new-plan=meadow", '--plan-features={"age":1}', "--credential=single"]
WHALE = ["--product=whale", "--plan=pod", "--new-plan=ocean", '--plan-features={"depth":200}']
CALF = ["--product=calf", *WHALE[1:], "--credential=single"]
# Where everything is answered at once, nothing is promised.
ASYNCHRONOUS = {case.name for case in CASES if case.name.startswith("async.")}


@pytest.fixture(scope="module")
def served():
    """With its worker and its vendor, and a port of its own for the marketplace's connector."""
    folder = Path(tempfile.mkdtemp(prefix="credservice-check-"))
    folder.chmod(0o711)  # the database's account may be another one
    run = Run(folder / "var", free_port(), bare_environment())
    run.shown()
    run.connector_port = free_port()
    yield _with_connector(run, folder / "connector.yaml")
    run.end(signal.SIGINT)
    shutil.rmtree(folder)


def _with_connector(run, file):
    url = f"http://localhost:{run.connector_port}/v1"
    secret = "file:demo/manifold-client-secret"  # it is sent to that address, so it comes with it
    file.write_text(f"marketplaces: {{manifold: {{connector_url: '{url}', client_secret: '{secret}'}}}}")
    applied = run.second(sys.executable, "manage.py", "apply", str(file))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    return run


@pytest.mark.parametrize(
    ("order", "inapplicable"),
    [(BEAR, ASYNCHRONOUS), (CUB, ASYNCHRONOUS), (WHALE, set()), (CALF, set())],
    ids=["at once, multiple", "at once, single", "by callback, multiple", "by callback, single"],
)
def test_every_case_passes(served, order, inapplicable):
    key = Path(served.environment["VAR_DIR"]) / "demo" / "masterkey.json"
    options = ["--strict", f"--master-key={key}", f"--connector-port={served.connector_port}", REGION, *order]
    done = served.second(sys.executable, "manage.py", "check_provider", f"{served.url}/v1", *options)
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"^  - (\S+)", done.stdout, re.MULTILINE)) == inapplicable

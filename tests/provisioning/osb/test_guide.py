"""The curl commands of docs/protocols/osb.md, run as a reader runs them, on the service as it is served."""

import json
import shutil
import subprocess

import pytest

from tests.support.live import LiveService
from tests.support.paths import ROOT

GUIDE = (ROOT / "docs/protocols/osb.md").read_text()


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_the_guide_leads_from_the_catalogue_to_credentials_and_back(live_service: LiveService) -> None:
    script = GUIDE.partition("```sh\n")[2].partition("```")[0]
    script = script.replace("http://localhost:8000", live_service.base_url)
    script = script.replace("var/demo", str(live_service.folder / "demo"))
    script = script.replace("call() { curl -s ", "call() { curl -s -w '\\n' ")
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=120, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"') or line == "{}"]
    instance, bound, rotated, *removed = answers
    assert instance == {"dashboard_url": "https://queue.example.com/dashboard"}
    assert bound["credentials"].keys() == rotated["credentials"].keys() == {"uri", "username", "password"}
    assert bound["credentials"]["password"] != rotated["credentials"]["password"]
    assert "renew_before" in bound["metadata"]
    assert removed == [{}, {}, {}]

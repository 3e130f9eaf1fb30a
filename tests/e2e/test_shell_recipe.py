"""The recipe of docs/protocols/mindcloud.md that signs with a shell's own tools."""

import json
import re
import shutil
import subprocess

import pytest

from tests.support.paths import ROOT

needs_tools = pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")), reason="no openssl or no curl")


@needs_tools
def test_the_documented_shell_recipe_is_answered(live_service, tmp_path):
    page = (ROOT / "docs/protocols/mindcloud.md").read_text()
    [recipe] = re.findall(r"```sh\n(.*?openssl.*?)```", page, re.DOTALL)
    secret = tmp_path / "var/demo/mindcloud-signing-secret"
    secret.parent.mkdir(parents=True)
    secret.write_text(live_service.secret("mindcloud-signing-secret"))
    recipe = recipe.replace("http://localhost:8000", live_service.base_url)
    done = subprocess.run(["sh", "-c", recipe], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout) == {"apiKey": live_service.secret("example-api-key")}

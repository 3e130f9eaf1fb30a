"""The failover drill's short form: the primary is killed, then a web node, and nothing is lost.

Skipped where its programs are not installed, or namespaces cannot be had.
"""

import subprocess
import sys

import pytest

from tests.devserver.running import bare_environment
from tests.drill.cluster import what_is_missing
from tests.drill.figures import SLOWER, ZEROS
from tests.support.paths import ROOT


@pytest.mark.skipif(bool(what_is_missing()), reason=what_is_missing())
def test_nothing_is_lost_when_the_primary_and_a_web_node_are_killed():
    command = [sys.executable, "-m", "tests.drill", "failover", "--events", "primary-killed", "web-node-killed"]
    done = subprocess.run(command, cwd=ROOT, env=bare_environment(), capture_output=True, text=True, timeout=900)
    sys.stdout.write(done.stdout + done.stderr)
    assert done.returncode == 0
    table = dict(line.rsplit(None, 1) for line in done.stdout.splitlines()[1:])
    assert {name: table[name] for name in (*ZEROS, SLOWER)} == dict.fromkeys((*ZEROS, SLOWER), "0")
    assert (table["  primary-killed"], table["  web-node-killed"]) == ("1", "1")
